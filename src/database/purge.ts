import type { Database, Row } from "./database.ts";

/** Which runs to remove. */
export interface PurgeOptions {
  /** Runs that finished before this moment, or longer ago than this many milliseconds. */
  olderThan: Date | number;
}

/** How much was removed. */
export interface PurgeResult {
  /** Runs, each with its snapshots, interruptions, usage, journal and events. */
  runs: number;
}

/**
 * Runs removed by one statement: short transactions, however much there is to remove. In the order of their ids, each
 * statement from where the one before has ended, as there is no index of when runs finished.
 */
const BATCH = 500;

/** Beyond these the database could not say when; no run finished there. */
const MAX_AGE_MS = 100 * 365 * 24 * 60 * 60 * 1000;
const MAX_TIME = Date.UTC(9999, 0);

/**
 * Removes runs that finished long ago (completed, blocked, failed or cancelled) with everything recorded about
 * them. Paused runs, and those that still wait, work or need a person, stay however old they are. Sessions stay,
 * too: a conversation is the user's, and `DatabaseSession.clearSession()` removes it.
 *
 * @param database The database.
 * @param options Which runs.
 * @returns How much was removed.
 * @throws {RangeError} When `olderThan` is not a moment or a number of milliseconds from 0.
 *
 * @example
 * ```ts
 * import { openDatabase, purge } from "@timestep-ai/timestep";
 *
 * const database = await openDatabase({ connectionString: "pglite:memory" });
 * const thirtyDays = 30 * 24 * 60 * 60 * 1000;
 * console.log(await purge(database, { olderThan: thirtyDays })); // { runs: 0 }
 * await database.close();
 * ```
 */
export async function purge(database: Database, options: PurgeOptions): Promise<PurgeResult> {
  const { olderThan } = options;
  const isTime = olderThan instanceof Date
    ? !Number.isNaN(olderThan.getTime())
    : Number.isFinite(olderThan) && olderThan >= 0;
  if (!isTime) {
    throw new RangeError(`Cannot purge: olderThan is ${olderThan}, not a Date or milliseconds from 0`);
  }
  const limit = olderThan instanceof Date
    ? new Date(Math.max(0, Math.min(olderThan.getTime(), MAX_TIME)))
    : Math.min(olderThan, MAX_AGE_MS);
  // The database's clock decides, as it is the one that said when a run finished.
  const moment = typeof olderThan === "number"
    ? "now() - $1::double precision * interval '1 millisecond'"
    : "$1::timestamptz";
  const text = `with old as (
      select run_id from timestep.runs where run_id > $2 and finished_at < ${moment}
      order by run_id limit ${BATCH} for update skip locked
    ), removed as (
      delete from timestep.runs using old where runs.run_id = old.run_id returning 1
    )
    select (select count(*) from removed)::int as runs, (select max(run_id) from old) as last`;
  let runs = 0;
  for (let last: unknown = ""; typeof last === "string";) {
    const [row]: Row[] = await database.query(text, [limit, last]);
    runs += Number(row?.["runs"]);
    last = row?.["last"];
  }
  return { runs };
}
