import type { ModelUsage } from "../agents/model_usage.ts";
import type { Database, Queryable } from "../database/database.ts";
import { JournalQueue } from "./journal_queue.ts";
import type { JournalRow } from "./journal_row.ts";
import {
  isConnectionError,
  ownershipLost,
  type PendingWrite,
  type RunOwner,
  writeJournal,
} from "./journal_statement.ts";
import type { JsonValue } from "../core/json_value.ts";
import type { RunError, RunOutcomeStatus } from "./run_outcome.ts";
import type { WrittenStep } from "./written_segment.ts";

/** At most this often, in milliseconds, are events written that nothing else waits for. */
const EVENT_INTERVAL_MS = 50;

/** After waits of 50 ms, 100 ms, ... up to this long, together about 25 s, a lost connection is given up. */
const LONGEST_DELAY_MS = 12_800;

/** Something to be written, in the order in which it happened. */
type Entry =
  | { type: "row"; row: JournalRow }
  | { type: "published"; key: string }
  | { type: "events"; step: string; attempt: number; events: string[] };

/** How a segment ended: a row of `timestep.runs`, and what was used in it. */
export interface SegmentEnd {
  status: RunOutcomeStatus;
  finalOutput?: JsonValue | undefined;
  error?: RunError | undefined;
  /** Added to the rows of `timestep.usage`. */
  usage: ModelUsage[];
}

/**
 * Writes what a run does, in order, one transaction at a time: whatever happens while one is under way, or within
 * one turn of the event loop, goes into the next together. Every write is fenced by the run's epoch.
 */
export class JournalWriter {
  #database: Database;
  #queue: JournalQueue;
  #owner: RunOwner;
  #position: number;
  #pending: Entry[] = [];
  #waiting: PromiseWithResolvers<void> | undefined;
  #writing: Promise<void> | undefined;
  #scheduled = false;
  #disposed = false;
  #eventTimer: ReturnType<typeof setTimeout> | undefined;
  #eventsWrittenAt = -Infinity;
  #failure: { error: unknown } | undefined;
  #isKept = () => false;
  #kept: WrittenStep[] | undefined;
  #onFailure: (error: unknown) => void;

  /**
   * @param position The last position that is taken.
   * @param onFailure Is told once, when a write failed or was refused; nothing is written from then on.
   */
  constructor(database: Database, owner: RunOwner, position: number, onFailure: (error: unknown) => void) {
    this.#database = database;
    this.#queue = JournalQueue.of(database);
    this.#owner = owner;
    this.#position = position;
    this.#onFailure = onFailure;
  }

  /** Keeps the steps from now on, as long as somebody wants them, for {@linkcode close} to give. */
  keep(isWanted: () => boolean): void {
    this.#isKept = isWanted;
    this.#kept = [];
  }

  /** Records a step. Resolves when it is committed; need not be awaited, a failure is told to `onFailure` too. */
  write(row: JournalRow): Promise<void> {
    return this.#add({ type: "row", row });
  }

  /** Gives a row that was written in somebody else's transaction its place in the stream of events. */
  publish(key: string): Promise<void> {
    return this.#add({ type: "published", key });
  }

  /** Appends an event of a step to the stream: JSON text. Written soon, and in any case before the next step. */
  emit(step: string, attempt: number, event: string): void {
    const last = this.#pending.at(-1);
    if (last?.type === "events" && last.step === step && last.attempt === attempt) last.events.push(event);
    else this.#pending.push({ type: "events", step, attempt, events: [event] });
    const wait = this.#eventsWrittenAt + EVENT_INTERVAL_MS - performance.now();
    if (wait <= 0) this.#schedule();
    else this.#eventTimer ??= setTimeout(() => this.#startWriting(), wait);
  }

  /** Waits until everything is committed. */
  async drain(): Promise<void> {
    while (!this.#failure && (this.#pending.length > 0 || this.#writing)) {
      this.#startWriting();
      await this.#writing;
    }
    if (this.#failure) throw this.#failure.error;
  }

  /**
   * Writes what is pending, and with it how the segment ended; nothing can be written after it.
   *
   * @param queryable The database, or a transaction in which more is written.
   * @param end How it ended.
   * @returns When, as `writeJournal()` tells it, and the steps, if they were kept and are all that was written.
   * @throws {OwnershipLostError} When the run is not this owner's any more.
   */
  async close(
    queryable: Queryable,
    end: SegmentEnd,
  ): Promise<{ atMs: number; steps: WrittenStep[] | undefined }> {
    await this.#writing;
    if (this.#failure) throw this.#failure.error;
    const write = { owner: this.#owner, write: { ...this.#take().write, end: endText(end) } };
    const steps = this.#kept;
    this.#kept = undefined;
    const atMs = queryable === this.#database
      ? await this.#queue.write(write)
      : await writeJournal(queryable, write);
    if (atMs === undefined) throw ownershipLost(this.#owner);
    return { atMs, steps };
  }

  /** Stops timers. What is pending is dropped. */
  dispose(): void {
    this.#disposed = true;
    this.#pending = [];
    clearTimeout(this.#eventTimer);
  }

  #add(entry: Entry): Promise<void> {
    this.#waiting ??= Promise.withResolvers<void>();
    const { promise, reject } = this.#waiting;
    promise.catch(() => {}); // Whoever does not wait is told by onFailure.
    this.#pending.push(entry);
    if (this.#failure) reject(this.#failure.error);
    else this.#schedule();
    return promise;
  }

  /** Begins to write at the end of this turn of the event loop, so that what happens in it goes together. */
  #schedule(): void {
    if (this.#scheduled || this.#writing) return;
    this.#scheduled = true;
    this.#queue.soon(() => {
      this.#scheduled = false;
      this.#startWriting();
    });
  }

  #startWriting(): void {
    if (this.#writing || this.#pending.length === 0 || this.#failure) return;
    this.#writing = this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    try {
      while (this.#pending.length > 0 && !this.#failure) {
        const { write, waiting } = this.#take();
        try {
          await this.#insist(write);
          waiting?.resolve();
        } catch (error) {
          this.#failure = { error };
          waiting?.reject(error);
          this.#waiting?.reject(error);
          this.#onFailure(error);
        }
      }
    } finally {
      // With no await since the last write: whoever waited for that one may add the next before anything else is run.
      this.#writing = undefined;
    }
  }

  /** A connection that breaks is not the end: what was written already is not written again. */
  async #insist(write: PendingWrite): Promise<void> {
    for (let delay = 50;; delay *= 2) {
      try {
        if (await this.#queue.write({ owner: this.#owner, write }) !== undefined) return;
        throw ownershipLost(this.#owner);
      } catch (error) {
        if (!isConnectionError(error) || delay > LONGEST_DELAY_MS || this.#disposed) throw error;
        await new Promise((resolve) => setTimeout(resolve, delay));
      }
    }
  }

  #take(): { write: PendingWrite; waiting: PromiseWithResolvers<void> | undefined } {
    clearTimeout(this.#eventTimer);
    this.#eventTimer = undefined;
    const entries = this.#pending;
    const waiting = this.#waiting;
    this.#pending = [];
    this.#waiting = undefined;
    return { write: this.#number(entries), waiting };
  }

  /** Gives the entries their positions; a batch of events has the position of its last one. */
  #number(entries: Entry[]): PendingWrite {
    const rows: string[] = [];
    const events: string[] = [];
    const published: string[] = [];
    const added: string[] = [];
    for (const entry of entries) {
      // Of what others have written, and of events, only the database knows what counts.
      if (entry.type !== "row" || !this.#isKept()) this.#kept = undefined;
      if (entry.type === "events") {
        this.#position += entry.events.length;
        const { step, attempt } = entry;
        const batch = packed(`[${entry.events.join(",")}]`);
        events.push(`${head({ position: this.#position, step, attempt })},"events":${batch}}`);
        this.#eventsWrittenAt = performance.now();
      } else if (entry.type === "published") {
        published.push(JSON.stringify({ key: entry.key, position: ++this.#position }));
      } else {
        const { key, items, status } = entry.row;
        const position = status === "started" ? undefined : ++this.#position;
        rows.push(rowText(entry.row, position));
        if (position !== undefined) this.#kept?.push({ ...entry.row, position });
        if (items !== undefined) added.push(`${head({ key })},"items":${packed(items)}}`);
      }
    }
    return {
      rows: array(rows),
      events: array(events),
      published: array(published),
      end: "",
      added: array(added),
    };
  }
}

/**
 * Records a step in somebody else's transaction, without a place in the stream of events: see `publish()`.
 *
 * @throws {OwnershipLostError} When the run is not this owner's any more.
 */
export async function writeRow(transaction: Queryable, owner: RunOwner, row: JournalRow): Promise<void> {
  const write = { rows: `[${rowText(row, undefined)}]`, events: "", published: "", end: "", added: "" };
  if (await writeJournal(transaction, { owner, write }) === undefined) throw ownershipLost(owner);
}

function rowText(
  { output, contextPatch, items: _, ...rest }: JournalRow,
  position: number | undefined,
): string {
  return head({ ...rest, position }) + (output === undefined ? "" : `,"output":${packed(output)}`) +
    (contextPatch === undefined ? "" : `,"context_patch":${packed(contextPatch)}`) + "}";
}

function endText({ finalOutput, error, ...rest }: SegmentEnd): string {
  return head(rest) +
    (finalOutput === undefined ? "" : `,"finalOutput":${packed(JSON.stringify(finalOutput))}`) +
    (error === undefined ? "" : `,"error":${packed(JSON.stringify(error))}`) + "}";
}

/** Escapes of NUL and of halves of surrogate pairs; a few harmless texts look like them, too. */
const UNPACKABLE = /\\u(?:0000|d[89a-f])/i;

/** JSON text as `write_journal()` takes it in an array: as it is, or in a text where it could not be unpacked. */
function packed(json: string): string {
  return json.startsWith('"') || UNPACKABLE.test(json) ? JSON.stringify(json) : json;
}

function array(elements: string[]): string {
  return elements.length === 0 ? "" : `[${elements.join(",")}]`;
}

/** An object as JSON text without its closing brace. */
function head(value: object): string {
  return JSON.stringify(value).slice(0, -1);
}
