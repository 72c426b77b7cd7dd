import { setImmediate } from "node:timers"; // Deno 2.1 has it nowhere else.
import type { Database } from "../database/database.ts";
import { isConnectionError, type OwnedWrite, writeJournal, writeJournals } from "./journal_statement.ts";

/** How many transactions are under way at once; what comes meanwhile goes together. PGlite has one connection. */
const MAX_UNDER_WAY = { postgres: 4, pglite: 1 };

interface QueuedWrite extends OwnedWrite {
  written: PromiseWithResolvers<number | undefined>;
}

/**
 * What all the runs that this process executes in one database have to write. What comes within one turn of the event
 * loop, or while enough is under way, goes together in one transaction: many runs cost little more than one.
 */
export class JournalQueue {
  readonly #database: Database;
  readonly #maxUnderWay: number;
  #underWay = 0;
  #scheduled = false;
  #starts: (() => void)[] = [];
  #queued: QueuedWrite[] = [];

  private constructor(database: Database) {
    this.#database = database;
    this.#maxUnderWay = MAX_UNDER_WAY[database.engine];
  }

  /** The queue of a database. */
  static of(database: Database): JournalQueue {
    let queue = queues.get(database);
    if (!queue) queues.set(database, queue = new JournalQueue(database));
    return queue;
  }

  /** Calls `start` at the end of this turn of the event loop; what it writes then goes together. */
  soon(start: () => void): void {
    this.#starts.push(start);
    this.#schedule();
  }

  /**
   * Writes for a run. One that cannot be written does not keep the others from it.
   *
   * @returns When, as `writeJournal()` tells it; nothing when the run is not this owner's: then nothing was written.
   */
  write(write: OwnedWrite): Promise<number | undefined> {
    const written = Promise.withResolvers<number | undefined>();
    this.#queued.push({ ...write, written });
    this.#schedule();
    return written.promise;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      const starts = this.#starts;
      this.#starts = [];
      for (const start of starts) start();
      this.#scheduled = false;
      this.#send();
    });
  }

  #send(): void {
    if (this.#queued.length === 0 || this.#underWay >= this.#maxUnderWay) return;
    const writes = this.#queued;
    this.#queued = [];
    this.#underWay++;
    this.#commit(writes).finally(() => {
      this.#underWay--;
      if (this.#queued.length > 0) this.#schedule();
    });
  }

  /** Never rejects. */
  async #commit(writes: QueuedWrite[]): Promise<void> {
    const [first, ...others] = writes;
    if (first && others.length === 0) return await this.#commitAlone(first);
    try {
      const written = await writeJournals(this.#database, writes);
      for (const [index, write] of writes.entries()) {
        if (written[index] !== undefined) write.written.resolve(written[index]);
        // Not this owner's, or locked by somebody: alone it waits, and is told which. The others need not.
        else this.#commitAlone(write);
      }
    } catch (error) {
      // What is wrong with one of them is not the others' fault.
      if (isConnectionError(error)) { for (const { written } of writes) written.reject(error); }
      else for (const write of writes) await this.#commitAlone(write);
    }
  }

  /** Never rejects. */
  async #commitAlone(write: QueuedWrite): Promise<void> {
    await writeJournal(this.#database, write).then(write.written.resolve, write.written.reject);
  }
}

const queues = new WeakMap<Database, JournalQueue>();
