import type { Extension, PGlite } from "@electric-sql/pglite";
import type { Database, Parameter, Row, Transaction } from "./database.ts";
import { StatementError } from "./database_error.ts";
import { type DirectoryLock, lockDirectory, unusable } from "./_directory_lock.ts";
import { underlyingDatabase } from "./_shared_database.ts";
import { type Messages, runStatement } from "./_pglite_statement.ts";
import { TransactionScope } from "./_transaction_scope.ts";
import { serialize } from "./_values.ts";

/**
 * Opens PGlite, Postgres in WebAssembly, inside this process. The engine (27 MB) is loaded here and not before.
 *
 * @param directory Where the data is, or null for a new database in memory. It is created when missing; no
 * other process can open it until this one closes it or ends.
 * @throws {DatabaseError} `directory_in_use` or `directory_unusable`.
 */
export async function openPGlite(directory: string | null): Promise<PGliteDatabase> {
  const lock = directory === null ? null : await lockDirectory(directory);
  try {
    const { PGlite, protocol } = await loadPGlite();
    const creating = lock?.beginCreating() ?? false;
    const pglite = await PGlite.create({
      ...(directory === null ? {} : { dataDir: directory }),
      extensions: { withoutTimers },
    }).catch((error) => {
      throw directory === null ? error : unusable(directory, whyNotStarted(error), error);
    });
    if (creating) lock?.endCreating();
    return new PGliteDatabase(pglite, protocol.serialize, lock);
  } catch (error) {
    lock?.release();
    throw error;
  }
}

/** The engine's own words are of its inside, or a bare number of the system's. */
function whyNotStarted(error: unknown): string {
  const { message, errno } = Object(error);
  return `the engine does not start (${
    message ?? `error ${errno}`
  }): the disk is full, or the database is damaged or of ` +
    "another version of PGlite";
}

/**
 * Not by a literal specifier: bundlers would follow it, and an edge function may weigh 20 MB. Programs made with
 * `deno compile` have to be told to include it.
 */
function loadPGlite(): Promise<typeof import("@electric-sql/pglite")> {
  const prefix = "Deno" in globalThis ? "npm:" : "";
  const version = prefix === "" ? "" : `@${PGLITE_VERSION}`;
  return import(`${prefix}@electric-sql/pglite${version}`);
}

/** The same as in deno.json, which a test makes sure of. */
export const PGLITE_VERSION = "0.5.16";

/**
 * Postgres's timers can't interrupt WebAssembly, which runs each statement to its end in one go; armed, all
 * they do is keep a program that forgot to close alive for ten seconds or for good.
 */
const withoutTimers: Extension = {
  name: "without timers",
  setup: (_pglite, options) => {
    const { instantiateWasm } = options;
    return Promise.resolve({
      emscriptenOpts: {
        ...options,
        instantiateWasm: (imports: WebAssembly.Imports, done: (module: WebAssembly.Instance) => void) => {
          const { env } = imports;
          if (env !== undefined && "_setitimer_js" in env) env["_setitimer_js"] = () => 0;
          return instantiateWasm(imports, done);
        },
      },
    });
  },
};

/** A PGlite instance as a `Database`. */
class PGliteDatabase implements Database {
  /** Which engine answers. */
  readonly engine = "pglite";
  /** The instance itself, for those who need more than statements. Closing it is this object's business. */
  readonly instance: PGlite;
  readonly #messages: Messages;
  readonly #lock: DirectoryLock | null;

  /**
   * @param instance The instance, ready.
   * @param messages Writes what is sent to it.
   * @param lock What keeps other processes out of its directory.
   */
  constructor(instance: PGlite, messages: Messages, lock: DirectoryLock | null) {
    this.instance = instance;
    this.#messages = messages;
    this.#lock = lock;
  }

  /** Runs one statement. */
  async query(text: string, parameters: readonly Parameter[] = []): Promise<Row[]> {
    await this.instance._checkReady();
    return await this.instance._runExclusiveTransaction(() => this.#run(text, parameters, true));
  }

  /** Runs several statements in one transaction. */
  async script(sql: string): Promise<void> {
    await this.transaction((transaction) => transaction.script(sql));
  }

  /** Runs `body` in a transaction. Others wait until it has ended: PGlite has one connection. */
  async transaction<T>(body: (transaction: Transaction) => Promise<T>): Promise<T> {
    const scope = new TransactionScope();
    try {
      return await this.instance.transaction((inner) =>
        scope.run({
          query: (text, parameters = []) => this.#run(text, parameters, false),
          script: async (sql) => void await inner.exec(sql).catch(refuse),
        }, body)
      );
    } finally {
      scope.end();
    }
  }

  /** Waits for statements under way, closes, and lets other processes in. */
  async close(): Promise<void> {
    try {
      await this.instance.close();
    } finally {
      this.#lock?.release();
    }
  }

  /** @param isAlone Whether it is a transaction of its own. */
  async #run(text: string, parameters: readonly Parameter[], isAlone: boolean): Promise<Row[]> {
    const values = parameters.map(serialize);
    return await this.instance._runExclusiveQuery(() =>
      runStatement(this.instance, this.#messages, text, values, isAlone)
    ).catch(refuse);
  }
}

/** The driver's error shows statement and parameters when printed, so it is not passed on. */
function refuse(error: unknown): never {
  if (error instanceof Error && "severity" in error && "code" in error) {
    const constraint = "constraint" in error && typeof error.constraint === "string"
      ? error.constraint
      : null;
    throw new StatementError(error.message, String(error.code), constraint);
  }
  throw error;
}

/**
 * The PGlite instance behind a database, for those who need more than statements: a session, notifications.
 *
 * @param database One that `openDatabase()` returned.
 * @returns The instance, or null when another engine answers.
 */
export function pgliteInstance(database: Database): PGlite | null {
  const inner = underlyingDatabase(database);
  return inner instanceof PGliteDatabase ? inner.instance : null;
}
