import type { DBOSConfig } from "@dbos-inc/dbos-sdk";

/** A `pg.Pool`, as DBOS takes one. */
export type Pool = NonNullable<DBOSConfig["systemDatabasePool"]>;

/** A result as PGlite gives it. */
interface PGliteResult {
  rows: unknown[];
  affectedRows?: number;
}

/** What is used of a PGlite transaction. */
interface PGliteTransaction {
  query(text: string, parameters?: unknown[]): Promise<PGliteResult>;
  rollback(): Promise<void>;
}

/** What is used of PGlite. */
export interface PGliteInstance {
  query(text: string, parameters?: unknown[]): Promise<PGliteResult>;
  transaction<T>(body: (transaction: PGliteTransaction) => Promise<T>): Promise<T>;
}

/** A result as `pg` gives it. */
interface PoolResult {
  rows: unknown[];
  rowCount: number;
}

/**
 * Makes a PGlite instance look like a `pg.Pool` to DBOS. PGlite has one session: from BEGIN to COMMIT or ROLLBACK
 * a client has it to itself, and everybody else waits.
 *
 * @param instance The instance, shared with whoever else uses it.
 */
export function pglitePool(instance: PGliteInstance): Pool {
  const pool = {
    options: { max: POOL_SIZE },
    query: (text: string, parameters?: unknown[]) => query(instance, text, parameters),
    connect: () => Promise.resolve(new PGliteClient(instance)),
    end: () => Promise.resolve(),
    on: () => pool,
    removeListener: () => pool,
  };
  // DBOS uses nothing else of a pool that it is given.
  return pool as unknown as Pool;
}

/** DBOS lets half as many waiting reads through at a time; more would only queue up in PGlite. */
const POOL_SIZE = 8;

class PGliteClient {
  readonly #instance: PGliteInstance;
  #transaction: OpenTransaction | undefined;

  constructor(instance: PGliteInstance) {
    this.#instance = instance;
  }

  async query(text: string, parameters?: unknown[]): Promise<PoolResult> {
    const command = /^\s*(BEGIN|COMMIT|ROLLBACK)\b\s*(.*)$/is.exec(text);
    switch (command?.[1]?.toUpperCase()) {
      case "BEGIN":
        this.#transaction = await OpenTransaction.begin(this.#instance, command?.[2] ?? "");
        return NOTHING;
      case "COMMIT":
        await this.#end((transaction) => transaction.commit());
        return NOTHING;
      case "ROLLBACK":
        await this.#end((transaction) => transaction.rollback());
        return NOTHING;
    }
    return await query(this.#transaction?.transaction ?? this.#instance, text, parameters);
  }

  /** As a pool does: what was left open is rolled back. */
  release(): void {
    this.#end((transaction) => transaction.rollback()).catch(() => {});
  }

  on(): this {
    return this;
  }

  removeListener(): this {
    return this;
  }

  async #end(how: (transaction: OpenTransaction) => Promise<void>): Promise<void> {
    const transaction = this.#transaction;
    this.#transaction = undefined;
    if (transaction) await how(transaction);
  }
}

/** A transaction that is ended from outside the callback in which PGlite runs it. */
class OpenTransaction {
  readonly transaction: PGliteTransaction;
  readonly #leave: () => void;
  readonly #ended: Promise<unknown>;

  private constructor(transaction: PGliteTransaction, leave: () => void, ended: Promise<unknown>) {
    this.transaction = transaction;
    this.#leave = leave;
    this.#ended = ended;
  }

  /** @param mode What follows BEGIN, e.g. `ISOLATION LEVEL REPEATABLE READ`. */
  static begin(instance: PGliteInstance, mode: string): Promise<OpenTransaction> {
    return new Promise((resolve, reject) => {
      const left = Promise.withResolvers<void>();
      const ended = instance.transaction(async (transaction) => {
        if (mode !== "") await transaction.query(`SET TRANSACTION ${mode}`);
        resolve(new OpenTransaction(transaction, left.resolve, ended));
        await left.promise;
      });
      ended.catch(reject);
    });
  }

  async commit(): Promise<void> {
    this.#leave();
    await this.#ended;
  }

  async rollback(): Promise<void> {
    await this.transaction.rollback();
    this.#leave();
    await this.#ended;
  }
}

async function query(
  target: PGliteInstance | PGliteTransaction,
  text: string,
  parameters: unknown[] = [],
): Promise<PoolResult> {
  const { rows, affectedRows } = await target.query(text, parameters);
  // pg counts the rows of a SELECT too; PGlite only those that were changed.
  return { rows, rowCount: affectedRows || rows.length };
}

const NOTHING: PoolResult = { rows: [], rowCount: 0 };
