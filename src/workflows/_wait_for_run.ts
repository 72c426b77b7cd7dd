import type { Database } from "../database/database.ts";
import { readOutcome } from "../durable/read_outcome.ts";
import type { RunOutcome } from "../durable/run_outcome.ts";

/** The first look after a short time, then ever longer ones up to this. */
const FIRST_LOOK_MS = 10;
const LAST_LOOK_MS = 250;

/**
 * Waits until a run has ended or is paused, in whatever process it is executed.
 *
 * @throws {RunNotFoundError} When there is no such run.
 */
export async function waitForRun(database: Database, runId: string): Promise<RunOutcome> {
  for (let lookMs = FIRST_LOOK_MS;; lookMs = Math.min(lookMs * 1.5, LAST_LOOK_MS)) {
    const outcome = await readOutcome(database, runId);
    if (outcome) return outcome;
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}
