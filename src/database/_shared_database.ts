import type { Database, Parameter, Row, Transaction } from "./database.ts";
import { DatabaseError } from "./database_error.ts";

interface Entry {
  readonly opened: Promise<Database>;
  users: number;
}

const entries = new Map<string | symbol, Entry>();
const closings = new Map<string | symbol, Promise<void>>();
const underlying = new WeakMap<Database, Database>();

/**
 * Opens what `key` names, or joins those who have it open.
 *
 * @param key What is the same database for everybody.
 * @param open Opens it.
 * @returns The caller's own handle: closing it closes the database when it was the last.
 */
export async function share(key: string | symbol, open: () => Promise<Database>): Promise<Database> {
  let entry = entries.get(key);
  if (entry === undefined) {
    const closing = closings.get(key);
    entry = { opened: closing === undefined ? open() : closing.then(open), users: 0 };
    entries.set(key, entry);
  }
  const joined = entry;
  joined.users++;
  try {
    const database = await joined.opened;
    const handle = new Handle(database, () => leave(key, joined));
    underlying.set(handle, database);
    return handle;
  } catch (error) {
    if (entries.get(key) === joined) entries.delete(key);
    throw error;
  }
}

/** The database behind a handle of `openDatabase()`; anything else is returned as it is. */
export function underlyingDatabase(database: Database): Database {
  return underlying.get(database) ?? database;
}

async function leave(key: string | symbol, entry: Entry): Promise<void> {
  if (--entry.users > 0) return;
  entries.delete(key);
  const closing = entry.opened.then((database) => database.close());
  // The next to open waits for the end, however it came.
  const ended = closing.catch(() => {}).finally(() => {
    if (closings.get(key) === ended) closings.delete(key);
  });
  closings.set(key, ended);
  await closing;
}

/** One opening of a shared database. */
class Handle implements Database {
  readonly engine: Database["engine"];
  readonly #database: Database;
  readonly #leave: () => Promise<void>;
  readonly #underway = new Set<Promise<unknown>>();
  #closed: Promise<void> | null = null;

  constructor(database: Database, leave: () => Promise<void>) {
    this.engine = database.engine;
    this.#database = database;
    this.#leave = leave;
  }

  query(text: string, parameters?: readonly Parameter[]): Promise<Row[]> {
    return this.#track(() => this.#database.query(text, parameters));
  }

  script(sql: string): Promise<void> {
    return this.#track(() => this.#database.script(sql));
  }

  transaction<T>(body: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.#track(() => this.#database.transaction(body));
  }

  close(): Promise<void> {
    return this.#closed ??= Promise.allSettled(this.#underway).then(this.#leave);
  }

  #track<T>(start: () => Promise<T>): Promise<T> {
    if (this.#closed !== null) {
      return Promise.reject(
        new DatabaseError("closed", "Cannot use the database: it was closed. Open it again."),
      );
    }
    const result = start();
    this.#underway.add(result);
    const settled = () => void this.#underway.delete(result);
    result.then(settled, settled);
    return result;
  }
}
