import { assertEquals } from "@std/assert";
import {
  configureDBOS,
  type Database,
  getRun,
  queueAgentWorkflow,
  shutdownDBOS,
  toolCall,
} from "../../mod.ts";
import { seededRandom } from "../_items.ts";
import { FAST, pause, steppingAgent, uniqueName, until } from "./_workflows.ts";

const RUNS = 10;
const STEPS = 4;

/**
 * Cuts connections to Postgres at random in the middle of runs. All have to finish, and no call that was recorded may
 * be made again.
 *
 * @param seed Where it comes from how many are cut.
 */
export async function surviveRandomCuts(
  { connectionString, database }: { connectionString: string; database: Database },
  seed: number,
): Promise<void> {
  const random = seededRandom(seed);
  configureDBOS({ connectionString, ...FAST });
  const begun: { runId: string; step: number; at: number }[] = [];
  const agent = steppingAgent(uniqueName("Cut off"), STEPS, async (step) => {
    begun.push({ runId: toolCall()?.runId ?? "", step, at: Date.now() });
    await pause(20);
    return "done";
  });
  try {
    const handles = [];
    for (let n = 0; n < RUNS; n++) handles.push(await queueAgentWorkflow({ agent, inputItems: "Go." }));
    for (let moment = 2; moment < RUNS * STEPS; moment += 6) {
      await until(() => begun.length >= moment);
      await cut(database, random());
    }
    const results = await Promise.all(handles.map(({ workflowId }) => answer(workflowId)));
    assertEquals(results, Array(RUNS).fill(`${STEPS} steps`));
    const rows = await database.query(
      "select run_id, right(key, 1)::int as step, recorded_at from timestep.journal where kind = 'tool'",
    );
    assertEquals(rows.length, RUNS * STEPS);
    for (const { run_id: runId, step, recorded_at: recordedAt } of rows) {
      const late = begun.filter((call) =>
        call.runId === runId && call.step === step && call.at > Number(recordedAt)
      );
      assertEquals(late, [], "a call that is recorded is not made again");
    }
  } finally {
    await shutdownDBOS();
    configureDBOS({});
  }
}

/** Cuts a share of the connections; the one that it is asked over may be one that was cut before. */
async function cut(database: Database, share: number): Promise<void> {
  const terminate = () =>
    database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid() and random() < $1`,
      [share],
    );
  await until(() => terminate().then(() => true, () => false));
}

/** The answer of a run, or its error, however often the database is not there when it is asked. */
async function answer(runId: string): Promise<unknown> {
  let end: unknown;
  await until(async () => {
    const run = await getRun(runId).catch(() => undefined);
    end = run?.finalOutput ?? run?.error;
    return Boolean(run?.finishedAt);
  });
  return end;
}
