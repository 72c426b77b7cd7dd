import { seededRandom } from "../_items.ts";
import type { TestDatabase } from "../_databases.ts";
import { CrashChain } from "./_crash_chain.ts";
import { assertAsUndisturbed } from "./_crash_checks.ts";

/** So many runs are under way at once when their process is killed. */
const RUNS_AT_ONCE = 4;

/**
 * Kills processes with runs under way at random times. The next process goes on with all of them, as if nothing had
 * happened.
 *
 * @param crashes How many processes are killed.
 * @param seed Where the times come from.
 * @returns How many runs were cut off.
 */
export async function surviveRandomCrashes(
  target: TestDatabase,
  crashes: number,
  seed: number,
): Promise<number> {
  await using chain = await CrashChain.create(target);
  const random = seededRandom(seed);
  const begin = (crash: number) =>
    Array.from({ length: RUNS_AT_ONCE }, (_, index) => ({ runId: `run-${crash}-${index}` }));
  const began = performance.now();
  await chain.crash(begin(0));
  // The process has started in this time, too: some are killed late, and some too late.
  const tookMs = performance.now() - began;
  for (let crash = 1; crash <= crashes; crash++) await chain.crash(begin(crash), random() * tookMs * 0.6);
  const database = await chain.finish();
  const { found } = chain.fates();
  for (const runId of found) await assertAsUndisturbed(database, runId, "run-0-0", chain.notes());
  return found.size;
}
