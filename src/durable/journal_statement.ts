import type { Database, Queryable } from "../database/database.ts";
import { DatabaseError } from "../database/database_error.ts";
import { OwnershipLostError } from "./errors.ts";

/** Who executes a run: what it writes counts only while the run's epoch is this one. */
export interface RunOwner {
  readonly runId: string;
  readonly segment: number;
  readonly epoch: number;
}

/** What is to be written of a run in one transaction: JSON texts, empty for nothing. */
export interface PendingWrite {
  /** Array of steps. */
  rows: string;
  /** Array of batches of events. */
  events: string;
  /** Array of places in the stream for steps that were written without. */
  published: string;
  /** Ends the segment; the run is nobody's after it. */
  end: string;
  /** Array of what steps among the rows add to the run's session. */
  added: string;
}

/** A write, and in whose name. */
export interface OwnedWrite {
  owner: RunOwner;
  write: PendingWrite;
}

/** When a transaction began, in milliseconds since 1970: what is written in it has this time, rounded in the same way. */
const NOW_MS = "(extract(epoch from now()) * 1000)::bigint";

/** @returns When, as {@linkcode NOW_MS} tells it; nothing when the run is not this owner's: then nothing was written. */
export async function writeJournal(
  queryable: Queryable,
  { owner, write }: OwnedWrite,
): Promise<number | undefined> {
  const { rows, events, published, end, added } = write;
  const [result] = await queryable.query(
    `select timestep.write_journal($1, $2::int, $3::int, $4, $5, $6, $7, $8) as owned, ${NOW_MS} as at`,
    [
      owner.runId,
      owner.epoch,
      owner.segment,
      ...[rows, events, published, end, added].map((text) => text || null),
    ],
  );
  return result?.owned === true ? Number(result.at) : undefined;
}

/**
 * Writes for several runs in one transaction.
 *
 * @returns For each, when it was written; nothing when the run is not this owner's, or not at the moment.
 */
export async function writeJournals(
  database: Database,
  writes: readonly OwnedWrite[],
): Promise<readonly (number | undefined)[]> {
  const [result] = await database.query(
    `select timestep.write_journals($1) as owned, ${NOW_MS} as at`,
    [`[${writes.map(writeText).join(",")}]`],
  );
  const owned: readonly unknown[] = Array.isArray(result?.owned) ? result.owned : [];
  return owned.map((isOwned) => isOwned === true ? Number(result?.at) : undefined);
}

function writeText({ owner, write: { rows, events, published, end, added } }: OwnedWrite): string {
  const { runId, epoch, segment } = owner;
  return JSON.stringify({ run_id: runId, epoch, segment }).slice(0, -1) +
    (rows && `,"steps":${rows}`) + (events && `,"events":${events}`) +
    (published && `,"published":${published}`) + (end && `,"segment_end":${end}`) +
    (added && `,"added":${added}`) + "}";
}

/** Whether a write may have been committed or not, and can be tried again. */
export function isConnectionError(error: unknown): boolean {
  return error instanceof DatabaseError &&
    ["connection_lost", "server_unreachable", "too_many_connections"].includes(error.code);
}

/** The error of a write that was refused because the run is not this owner's any more. */
export function ownershipLost({ runId, epoch }: RunOwner): OwnershipLostError {
  return new OwnershipLostError(
    `Cannot record a step of run "${runId}": it has ended, or another process has taken it over since (this one's ` +
      `epoch is ${epoch}). Nothing was written; stop.`,
  );
}
