import type { Database } from "../database/database.ts";
import { warn } from "./_logger.ts";
import { MAX_TIMER_MS } from "../durable/sleep.ts";

/** The end of the time that a part of a run was given. */
export interface Deadline {
  /** Aborts when the time is over, after the run was cancelled. */
  readonly signal: AbortSignal;
  /** The part is over. */
  clear(): void;
}

/**
 * Starts, or after a crash goes on with, the time that the current part of a run was given. Waiting in a queue or
 * for a person does not count.
 *
 * @param timeoutSeconds Undefined: no limit.
 */
export async function startDeadline(
  database: Database,
  runId: string,
  timeoutSeconds: number | undefined,
): Promise<Deadline | undefined> {
  if (timeoutSeconds === undefined) return undefined;
  const [row] = await database.query(
    `update timestep.runs set deadline_at = coalesce(deadline_at, now() + make_interval(secs => $2))
     where run_id = $1 returning (extract(epoch from deadline_at - now()) * 1000)::float8 as left_ms`,
    [runId, timeoutSeconds],
  );
  const controller = new AbortController();
  const end = async () => {
    const error = { name: "TimeoutError", message: `The run took longer than ${timeoutSeconds} seconds.` };
    try {
      await database.query("select timestep.cancel_run($1, $2::text::json)", [runId, JSON.stringify(error)]);
      controller.abort();
    } catch (error) {
      warn(`Cannot end run "${runId}", whose time is over; tried again in a second: ${error}`);
      timer = setTimeout(end, 1000);
    }
  };
  const leftMs = Number(row?.["left_ms"]);
  let timer: ReturnType<typeof setTimeout> | undefined;
  if (leftMs > 0) timer = setTimeout(end, Math.min(leftMs, MAX_TIMER_MS));
  // Over while nobody executed it: nothing of it is begun again.
  else await end();
  return { signal: controller.signal, clear: () => clearTimeout(timer) };
}
