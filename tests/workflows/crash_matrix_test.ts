import { assert } from "@std/assert";
import { type TestDatabase, testDatabases } from "../_databases.ts";
import { CrashChain } from "./_crash_chain.ts";
import { assertAsUndisturbed } from "./_crash_checks.ts";
import { surviveRandomCrashes } from "./_random_crashes.ts";

/** So many runs die with one process, each at a place of its own. */
const RUNS_AT_ONCE = 8;

for (const target of testDatabases()) {
  Deno.test(
    `a run is finished as if nothing had happened, wherever its process is killed [${target.engine}]`,
    () => dieEverywhere(target),
  );
  Deno.test(`runs are finished as if nothing had happened when processes are killed at random [${target.engine}]`, async () => {
    const seed = Number(Deno.env.get("TIMESTEP_TEST_SEED") ?? Date.now() % 1_000_000);
    console.log(`TIMESTEP_TEST_SEED=${seed}`);
    await surviveRandomCrashes(target, 4, seed);
  });
}

/** A run for each place to die at, until there are no more places. */
async function dieEverywhere(target: TestDatabase): Promise<void> {
  await using chain = await CrashChain.create(target);
  let undisturbed: string | undefined;
  for (let next = 1; undisturbed === undefined;) {
    const begin = Array.from({ length: RUNS_AT_ONCE }, (_, index) => ({
      runId: `killed-at-${next + index}`,
      dieAt: next + index,
    }));
    await chain.crash(begin);
    const { began, died } = chain.fates();
    undisturbed = begin.find(({ runId }) => began.has(runId) && !died.has(runId))?.runId;
    next += begin.filter(({ runId }) => began.has(runId)).length;
  }
  const database = await chain.finish();
  const { died } = chain.fates();
  assert(died.size > 40, `there were only ${died.size} places to die at`);
  for (const runId of died) await assertAsUndisturbed(database, runId, undisturbed, chain.notes());
}
