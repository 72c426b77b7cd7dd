import { assert, assertEquals } from "@std/assert";
import { assistant } from "../../functions/_assistant.ts";
import {
  configureDBOS,
  createScheduledAgentWorkflow,
  type Database,
  getRun,
  listRuns,
  openDatabase,
  queueAgentWorkflow,
  removeScheduledAgentWorkflow,
  shutdownDBOS,
} from "../../mod.ts";
import { deploySql, filledIn } from "./_deploy_chapter.ts";
import { EXTENSIONS, sendRequests } from "./_extensions.ts";
import { hasPgCron, startPostgresWithCron } from "./_pg_cron.ts";
import { assertAtMostOneRepeated, DISPATCH_KEY, startProject } from "./_project.ts";

/** An agent of the functions, on its own. */
const question = { agent: assistant, inputItems: "What's the weather in Oakland?" };

Deno.test({
  name: "pg_cron fires schedules, and with pg_net has runs executed, where no process is alive",
  ignore: !hasPgCron(),
  async fn() {
    const postgres = await startPostgresWithCron();
    const database = await openDatabase({ connectionString: postgres.uri });
    await using project = startProject(postgres.uri);
    const { isolates, model } = project;
    // This process only records runs, like one that is over right afterwards.
    configureDBOS({ connectionString: postgres.uri, execute: false });
    let stopSending = async () => {};
    try {
      // A run that waits, and a schedule. There is nobody to execute anything, nor anybody who could be woken.
      const waiting = await queueAgentWorkflow(question);
      await createScheduledAgentWorkflow({ ...question, name: "every-minute", crontab: "* * * * *" });
      await database.script("create extension pg_cron; select timestep.schedule_ticks()");
      await until(() => exists(database, "run_id like 'every-minute:%'"));
      assertEquals(await database.query("select executor_id from timestep.executors"), []);
      const statuses = (await listRuns()).map(({ status }) => status);
      assertEquals(statuses, statuses.map(() => "queued"));
      assertEquals((await getRun(waiting.workflowId)).status, "queued");

      await database.script(filledIn(await deploySql("timestep.schedule_ticks()"), {
        "create extension if not exists pg_net;": EXTENSIONS,
        "https://PROJECT.supabase.co/functions/v1/worker": `${isolates.url}/worker`,
        "<TIMESTEP_DISPATCH_KEY>": DISPATCH_KEY,
      }));
      stopSending = sendRequests(database);
      await until(async () => (await getRun(waiting.workflowId)).status === "completed");
      await removeScheduledAgentWorkflow("every-minute");
      await until(async () => !await exists(database, "status in ('queued', 'running')"));
      assert(!await exists(database, "status <> 'completed'"));

      // A run that is queued now wakes a worker at once. That dies while its model answers.
      await isolates.kill();
      model.calls.length = 0;
      model.hold(0);
      const { workflowId } = await queueAgentWorkflow({ ...question, stream: true });
      await model.reached;
      assert(await isolates.kill() > 0);
      model.release();
      await until(async () => (await getRun(workflowId)).status === "completed");
      await assertAtMostOneRepeated(database, workflowId, model.calls);
      assertEquals((await getRun(workflowId)).finalOutput, "The weather in Oakland is sunny and 72°F");

      assertEquals(await database.query("select timestep.wake_worker() as asked"), [{ asked: true }]);
      // A machine that is busy may start a job too late: that is not the job's fault.
      const failed = await database.query(
        `select command, return_message from cron.job_run_details
         where status = 'failed' and return_message !~ 'timeout|could not start|connection'`,
      );
      assertEquals(failed, []);
    } finally {
      await stopSending();
      await project.isolates.kill();
      await shutdownDBOS();
      configureDBOS({});
      await database.close();
      await postgres.stop();
    }
  },
});

async function exists(database: Database, condition: string): Promise<boolean> {
  const [row] = await database.query(`select exists (select from timestep.runs where ${condition}) as found`);
  return row?.["found"] === true;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!await condition()) await new Promise((resolve) => setTimeout(resolve, 100));
}
