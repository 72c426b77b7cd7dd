import { assertEquals } from "@std/assert";
import {
  configureDBOS,
  type Database,
  queueAgentWorkflow,
  registerAgentQueue,
  shutdownDBOS,
} from "../../mod.ts";
import { seededRandom } from "../_items.ts";
import { createEffects, startWorker } from "./_workers.ts";
import { steppingAgent, uniqueName, until } from "./_workflows.ts";

/** How much to do, and how much to destroy. */
export interface RandomKills {
  connectionString: string;
  database: Database;
  runs: number;
  workers: number;
  kills: number;
  /** Where the moments of the kills, and the victims, come from. */
  seed: number;
}

/**
 * Queues runs and kills the workers that execute them at random, others taking their places. All runs have to
 * finish with the right answer, and no call that was recorded may have been made again.
 */
export async function surviveRandomKills(
  { connectionString, database, runs, workers: count, kills, seed }: RandomKills,
): Promise<void> {
  await createEffects(database);
  configureDBOS({ connectionString, execute: false });
  // Long enough for a busy machine: who is taken for dead and lives may begin a call that somebody else has made.
  const times = { steps: 3, stepMs: 50, heartbeatSeconds: 0.2, executorTimeoutSeconds: 6 };
  const options = { connectionString, agentName: uniqueName("Worker's"), ...times };
  const start = () => startWorker(options);
  const workers = Array.from({ length: count }, start);
  try {
    const agent = steppingAgent(options.agentName, options.steps);
    await registerAgentQueue({ name: "many", workerConcurrency: 5, pollingIntervalMs: 100 });
    const handles = [];
    for (let n = 0; n < runs; n++) {
      handles.push(await queueAgentWorkflow({ agent, inputItems: "Go.", queueName: "many" }));
    }
    const random = seededRandom(seed);
    let finished = false;
    const killing = (async () => {
      // Not at random times, when all may be done or nothing begun: after random numbers of steps.
      const last = 0.9 * runs * options.steps;
      const moments = Array.from({ length: kills }, () => random() * last).toSorted((a, b) => a - b);
      for (const moment of moments) {
        await until(async () => finished || await begunSteps(database) > moment);
        const victim = Math.floor(random() * workers.length);
        workers[victim]?.signal("SIGKILL");
        workers[victim] = start();
      }
    })();
    const results = await Promise.all(handles.map((handle) => handle.getResult()));
    finished = true;
    await killing;
    assertEquals(results.map(({ finalOutput }) => finalOutput), Array(runs).fill("3 steps"));
    await assertNothingRepeated(database);
  } finally {
    await shutdownDBOS();
    configureDBOS({});
    await Promise.all(workers.map((worker) => worker.end()));
    await database.query("drop table public.effects");
  }
}

async function begunSteps(database: Database): Promise<number> {
  const [row] = await database.query(
    "select count(distinct (run_id, step))::int as steps from public.effects",
  );
  return Number(row?.["steps"]);
}

/** A call that was made again began before the one that is recorded ended: it was under way when it was killed. */
async function assertNothingRepeated(database: Database): Promise<void> {
  const [calls] = await database.query(
    `select count(distinct (e.run_id, e.step))::int as recorded,
       count(*) filter (where e.at > j.recorded_at)::int as repeated,
       (select count(*)::int from timestep.journal where kind = 'tool') as journaled
     from public.effects e
     join timestep.journal j on j.run_id = e.run_id and j.kind = 'tool' and j.key like '%:call-' || e.step`,
  );
  const [{ expected } = { expected: null }] = await database.query(
    "select 3 * count(*)::int as expected from timestep.runs",
  );
  assertEquals(calls, { recorded: expected, repeated: 0, journaled: expected });
}
