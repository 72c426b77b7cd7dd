import type { Database } from "./database.ts";
import { openDatabase } from "./open_database.ts";

/** Which database somebody uses: one that is open already, or one that is opened for them. */
export interface DatabaseReferenceOptions {
  /** A database that is open. It stays open afterwards. */
  database?: Database | undefined;
  /** Where to find the database otherwise, as `openDatabase()` takes it. Default: the environment's. */
  connectionString?: string | undefined;
}

/** A database that is opened on first use, and closed again only by those who opened it. */
export class DatabaseReference {
  readonly #given: Database | undefined;
  readonly #connectionString: string | undefined;
  #opened: Promise<Database> | undefined;

  /** @throws {TypeError} When both a database and a connection string are given. */
  constructor({ database, connectionString }: DatabaseReferenceOptions) {
    if (database !== undefined && connectionString !== undefined) {
      throw new TypeError("Cannot use both database and connectionString: give one of the two");
    }
    this.#given = database;
    this.#connectionString = connectionString;
  }

  /** The database. One that could not be opened is tried again the next time. */
  get(): Promise<Database> {
    if (this.#given) return Promise.resolve(this.#given);
    return this.#opened ??= openDatabase({ connectionString: this.#connectionString }).catch((error) => {
      this.#opened = undefined;
      throw error;
    });
  }

  /** Closes the database if it was opened here. It is opened again when it is used again. */
  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    await (await opened?.catch(() => undefined))?.close();
  }
}
