import { run, setTracingDisabled } from "@openai/agents";
import {
  configureDBOS,
  type Database,
  queueAgentWorkflow,
  registerAgentQueue,
  runAgentWorkflow,
  shutdownDBOS,
} from "../../mod.ts";
import { testDatabases } from "../_databases.ts";
import { createEffects, effects, startWorker } from "../workflows/_workers.ts";
import { steppingAgent, until } from "../workflows/_workflows.ts";
import { withDbosSteps } from "./_dbos_steps.ts";
import { scriptedAgent } from "./_durable_agent.ts";
import { compare } from "./_ratio.ts";

const TURNS = 20;
const TOOLS = 2;

/**
 * Durable workflows end to end, dispatch included: a run of 20 turns with 2 tools each, how long a queued run waits
 * for its start, and how soon a run goes on after its process was killed.
 */
export async function bench(): Promise<void> {
  // Without a key it would only say that there is none.
  setTracingDisabled(true);
  for (const target of testDatabases()) {
    await using fresh = await target.create();
    await withDbosSteps(fresh.connectionString, async (runOnSteps) => {
      const { agent } = scriptedAgent(TURNS);
      await compare(`${TURNS} turns x ${TOOLS} tools, ${target.engine}`, [
        { name: "Runner.run", run: () => run(agent, "Add numbers.", { maxTurns: null }) },
        {
          name: "runAgentWorkflow",
          target: 2,
          run: () => runAgentWorkflow({ agent, inputItems: "Add numbers.", maxTurns: null }),
        },
        { name: "the same on DBOS steps", run: () => runOnSteps(TURNS) },
        { name: "plain INSERTs", run: () => plainInserts(fresh.database) },
      ], { rounds: 9 });
      await benchQueue(fresh.database, target.engine);
    });
    if (target.engine === "postgres") await benchRecovery(fresh.database, fresh.connectionString);
  }
}

/** How long queued runs wait for their start, in a queue that workers look into every half second, and every 20 ms. */
async function benchQueue(database: Database, engine: string): Promise<void> {
  const { agent } = scriptedAgent(0);
  await registerAgentQueue({ name: "half a second", pollingIntervalMs: 500 });
  await registerAgentQueue({ name: "20 ms", pollingIntervalMs: 20 });
  // Workers notice new queues within a second.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  for (const queueName of ["half a second", "20 ms"]) {
    for (let n = 0; n < 15; n++) {
      await (await queueAgentWorkflow({ agent, inputItems: "Go.", queueName })).getResult();
    }
    const [row] = await database.query(
      `select percentile_cont(0.5) within group (order by started_at_epoch_ms - created_at)::float8 as p50,
         max(started_at_epoch_ms - created_at)::float8 as most
       from dbos.workflow_status where queue_name = $1`,
      [queueName],
    );
    console.log(
      `enqueue to start, ${engine}, looked for every ${queueName}: p50 ${row?.["p50"]} ms, most ${
        row?.["most"]
      } ms`,
    );
  }
}

/** How soon after a SIGKILL a living worker executes the next step. The target is the timeout and one second. */
async function benchRecovery(database: Database, connectionString: string): Promise<void> {
  await createEffects(database);
  const timeoutSeconds = 3;
  const agentName = "Recovered";
  const agent = steppingAgent(agentName, 3);
  const options = { connectionString, agentName, steps: 3, stepMs: 400, heartbeatSeconds: 0.5 };
  configureDBOS({ connectionString, execute: false });
  const times: number[] = [];
  for (let round = 0; round < 5; round++) {
    const workers = [1, 2].map(() => startWorker({ ...options, executorTimeoutSeconds: timeoutSeconds }));
    await Promise.all(workers.map(({ ready }) => ready));
    const { workflowId } = await queueAgentWorkflow({
      agent,
      inputItems: "Go.",
    });
    await until(async () => (await effects(database, workflowId)).length > 0);
    const [{ pid } = { pid: 0 }] = await effects(database, workflowId);
    workers.find((worker) => worker.pid === pid)?.signal("SIGKILL");
    const killed = performance.now();
    await until(async () => (await effects(database, workflowId)).some((effect) => effect.pid !== pid));
    times.push(performance.now() - killed);
    await Promise.all(workers.map((worker) => worker.end()));
  }
  await shutdownDBOS();
  times.sort((a, b) => a - b);
  const median = times[2] ?? 0;
  console.log(
    `kill -9 to the next step: median ${Math.round(median)} ms, most ${
      Math.round(times[4] ?? 0)
    } ms with a timeout of ` +
      `${timeoutSeconds} s: ratio ${(median / (timeoutSeconds * 1000)).toFixed(2)} ` +
      `(target ${((timeoutSeconds + 1) / timeoutSeconds).toFixed(2)})`,
  );
}

/** The floor: a row for each model call and each tool call, and nothing else. */
async function plainInserts(database: Database): Promise<void> {
  await database.query("create table if not exists public.plain_inserts (output json)");
  for (let n = 0; n < TURNS + 1; n++) {
    await database.query("insert into public.plain_inserts values ($1::text::json)", ['{"text":"done"}']);
    if (n < TURNS) {
      await database.query("insert into public.plain_inserts values ($1::text::json), ($1::text::json)", [
        '{"text":"done"}',
      ]);
    }
  }
}
