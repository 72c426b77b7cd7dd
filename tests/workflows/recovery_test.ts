import { assertEquals } from "@std/assert";
import { configureDBOS, getRun, queueAgentWorkflow, shutdownDBOS } from "../../mod.ts";
import { type FreshDatabase, testDatabases } from "../_databases.ts";
import { createEffects, effects, startWorker, type Worker } from "./_workers.ts";
import { surviveRandomKills } from "./_random_kills.ts";
import type { WorkerOptions } from "./_worker.ts";
import { pause, steppingAgent, uniqueName, until } from "./_workflows.ts";

const TIMES = { stepMs: 300, heartbeatSeconds: 0.2, executorTimeoutSeconds: 3 };

/** A test with workers in processes of their own; this process only starts runs and looks on. */
function workersTest(
  name: string,
  body: (
    fresh: FreshDatabase,
    start: (options?: Partial<WorkerOptions>) => Worker,
    agentName: string,
  ) => Promise<void>,
): void {
  for (const target of testDatabases().filter(({ engine }) => engine === "postgres")) {
    Deno.test(`${name} [postgres]`, async () => {
      await using fresh = await target.create({ withDBOS: true });
      const { connectionString } = fresh;
      await createEffects(fresh.database);
      configureDBOS({ connectionString, execute: false });
      const agentName = uniqueName("Worker's");
      const workers: Worker[] = [];
      const start = (options: Partial<WorkerOptions> = {}) => {
        const worker = startWorker({ connectionString, agentName, steps: 4, ...TIMES, ...options });
        workers.push(worker);
        return worker;
      };
      try {
        await body(fresh, start, agentName);
      } finally {
        await shutdownDBOS();
        configureDBOS({});
        await Promise.all(workers.map((worker) => worker.end()));
      }
    });
  }
}

workersTest(
  "a living worker goes on with the run of one that was killed",
  async ({ database }, start, agentName) => {
    const agent = steppingAgent(agentName, 4);
    const mortal = start({ stopsInStep: 2 });
    const handle = await queueAgentWorkflow({ agent, inputItems: "Go." });
    await mortal.stuck;
    const heir = start();
    await heir.ready;
    mortal.signal("SIGKILL");
    assertEquals((await handle.getResult()).finalOutput, "4 steps");
    const done = await effects(database, handle.workflowId);
    // Only the call that was under way is made twice.
    assertEquals(done.map(({ step }) => step), [1, 2, 2, 3, 4]);
    assertEquals(done.map(({ pid }) => pid === heir.pid), [false, false, true, true, true]);
  },
);

workersTest(
  "a worker that comes back to life writes nothing of a run it lost",
  async ({ database }, start, agentName) => {
    const agent = steppingAgent(agentName, 4);
    // In its second step it is stopped, and when it goes on that step is over at once.
    const zombie = start({ stopsInStep: 2, wakesAfterMs: 5000 });
    const handle = await queueAgentWorkflow({ agent, inputItems: "Go.", workflowId: "haunted" });
    await zombie.stuck;
    zombie.signal("SIGSTOP");
    await start().ready;
    assertEquals((await handle.getResult()).finalOutput, "4 steps");
    const written = () =>
      database.query(
        "select key, epoch, output::text from timestep.journal where run_id = 'haunted' order by key",
      );
    const before = await written();
    const finishedAt = (await getRun("haunted")).finishedAt;
    zombie.signal("SIGCONT");
    await zombie.awake;
    // It has noticed when it says again that it is alive, and has had time to write.
    await until(async () => {
      const rows = await database.query(
        "select from timestep.executors where last_seen_at > now() - interval '0.5 seconds'",
      );
      return rows.length === 2;
    });
    await pause(1000);
    assertEquals(await written(), before);
    assertEquals((await getRun("haunted")).finishedAt, finishedAt);
    // It is good for new runs.
    const next = await queueAgentWorkflow({ agent, inputItems: "Again." });
    assertEquals((await next.getResult()).status, "completed");
  },
);

workersTest(
  "handOver() leaves a run for others to go on with at once",
  async ({ database }, start, agentName) => {
    const agent = steppingAgent(agentName, 6);
    // Nobody could time out while this test runs: it is handed over or it stands still.
    const options = { steps: 6, stepMs: 700, executorTimeoutSeconds: 600 };
    await start({ ...options, handOverAfterMs: 3000 }).ready;
    const handle = await queueAgentWorkflow({ agent, inputItems: "Go." });
    await until(async () => (await effects(database, handle.workflowId)).length >= 1);
    await start(options).ready;
    assertEquals((await handle.getResult()).finalOutput, "6 steps");
    const done = await effects(database, handle.workflowId);
    assertEquals(new Set(done.map(({ pid }) => pid)).size, 2);
    assertEquals(done.length <= 7, true);
  },
);

workersTest(
  "a run whose agent nobody knows waits for a worker that does",
  async ({ database }, start, agentName) => {
    const agent = steppingAgent(agentName, 1);
    const handle = await queueAgentWorkflow({ agent, inputItems: "Go.", workflowId: "patient" });
    await start({ agentName: "Somebody else's", steps: 1 }).ready;
    await until(async () => {
      const [row] = await database.query(
        `select s.status from timestep.runs r join dbos.workflow_status s on s.workflow_uuid = r.workflow_id
       where r.run_id = 'patient'`,
      );
      return row?.["status"] === "DELAYED";
    });
    assertEquals(await handle.getStatus(), "queued");
    await start({ steps: 1 }).ready;
    assertEquals((await handle.getResult()).finalOutput, "1 steps");
  },
);

workersTest(
  "reap() hands the runs of the dead to whoever comes next",
  async ({ database }, start, agentName) => {
    const agent = steppingAgent(agentName, 4);
    const first = start({ stopsInStep: 2 });
    const handle = await queueAgentWorkflow({ agent, inputItems: "Go." });
    await first.stuck;
    await first.end();
    await until(async () => {
      const [row] = await database.query("select timestep.reap(interval '1 second') as reaped");
      return row?.["reaped"] === 1;
    });
    assertEquals(await handle.getStatus(), "running");
    await start().ready;
    assertEquals((await handle.getResult()).finalOutput, "4 steps");
  },
);

for (const target of testDatabases().filter(({ engine }) => engine === "postgres")) {
  for (const workers of [2, 4]) {
    Deno.test(`${workers} workers finish all runs while they are killed at random [postgres]`, async () => {
      await using fresh = await target.create({ withDBOS: true });
      const seed = Number(Deno.env.get("TIMESTEP_TEST_SEED") ?? Date.now() % 1_000_000);
      console.log(`TIMESTEP_TEST_SEED=${seed}`);
      await surviveRandomKills({ ...fresh, runs: 20, workers, kills: 3, seed });
    });
  }
}
