import type { Database, Parameter, Row, Transaction } from "./database.ts";
import { DatabaseError, StatementError } from "./database_error.ts";
import type { PostgresConnection } from "./_postgres_connection.ts";
import { databaseError } from "./_postgres_errors.ts";
import { PostgresPool } from "./_postgres_pool.ts";
import { parsePostgresUri, type PostgresAddress } from "./_postgres_uri.ts";
import { TransactionScope } from "./_transaction_scope.ts";

/** How long a server that was there may be away before a statement gives up on it, in milliseconds. */
const PATIENCE_MS = 10_000;
/** How long the first statement may take, with connecting, in milliseconds: it is this module's, and a short one. */
const FIRST_ANSWER_MS = 10_000;
const MAX_CONNECTIONS = 10;

/**
 * Makes a connection pool for a Postgres server. It connects with the first statement, and again whenever a
 * connection was lost. Prepared statements are off and nothing outlives a transaction, so that it works
 * through a pooler in transaction mode.
 *
 * @param uri `postgres://user:password@host:port/database?sslmode=...`; without `sslmode` as `prefer`.
 * @throws {DatabaseError} `connection_string_invalid`.
 */
export function openPostgres(uri: string): Database {
  return new PostgresDatabase(parsePostgresUri(uri));
}

class PostgresDatabase implements Database {
  readonly engine = "postgres";
  readonly #address: PostgresAddress;
  readonly #pool: PostgresPool;
  #wasReached = false;
  #underway = 0;
  #keepAlive: ReturnType<typeof setInterval> | undefined;

  constructor(address: PostgresAddress) {
    this.#address = address;
    this.#pool = new PostgresPool(address, MAX_CONNECTIONS);
  }

  query(text: string, parameters?: readonly Parameter[]): Promise<Row[]> {
    return this.#patiently((connection) => {
      const run = () => connection.query(text, parameters);
      return this.#wasReached ? run() : connection.answers(run, FIRST_ANSWER_MS);
    });
  }

  async script(sql: string): Promise<void> {
    await this.transaction((transaction) => transaction.script(sql));
  }

  transaction<T>(body: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.#patiently(async (connection, began) => {
      await this.#begin(connection);
      began();
      const scope = new TransactionScope();
      try {
        const value = await scope.run(connection, body);
        await connection.script("commit");
        return value;
      } catch (error) {
        // Without its connection the server rolls back by itself.
        if (connection.usable) await connection.script("rollback").catch(() => {});
        throw error;
      } finally {
        scope.end();
      }
    });
  }

  async close(): Promise<void> {
    await this.#awake(() => this.#pool.close());
  }

  /** Nothing is lost with a `begin`, so a connection that breaks under it is one that was never there. */
  async #begin(connection: PostgresConnection): Promise<void> {
    try {
      await connection.script("begin");
    } catch (error) {
      const lost = error instanceof DatabaseError && error.code === "connection_lost";
      throw lost ? databaseError("server_unreachable", "it hangs up", this.#address) : error;
    }
  }

  /**
   * Tries again when the server is away for a moment (a restart, a fail-over), or had to give way to another transaction,
   * but only where it is certain that nothing was done: a statement that may have taken effect is never sent twice.
   */
  #patiently<T>(attempt: (connection: PostgresConnection, began: () => void) => Promise<T>): Promise<T> {
    return this.#awake(async () => {
      const deadline = Date.now() + PATIENCE_MS;
      for (let delayMs = 50;; delayMs = Math.min(2 * delayMs, 1_000)) {
        let begun = false;
        try {
          const result = await this.#pool.use((connection) => attempt(connection, () => begun = true));
          this.#wasReached = true;
          return result;
        } catch (error) {
          const undone = isAway(error) ? this.#wasReached : gaveWay(error);
          if (begun || !undone || Date.now() + delayMs >= deadline) throw error;
        }
        await new Promise((resolve) => setTimeout(resolve, delayMs));
      }
    });
  }

  /** Sockets don't keep the process alive, so that a program that forgets to close ends; this does, meanwhile. */
  async #awake<T>(body: () => Promise<T>): Promise<T> {
    if (this.#underway++ === 0) this.#keepAlive = setInterval(() => {}, 60_000);
    try {
      return await body();
    } finally {
      if (--this.#underway === 0) clearInterval(this.#keepAlive);
    }
  }
}

/** Errors of connecting, before anything was sent. */
function isAway(error: unknown): boolean {
  return error instanceof DatabaseError &&
    ["server_unreachable", "too_many_connections"].includes(error.code);
}

/** Errors of a transaction that was rolled back for another one's sake: `serialization_failure`, `deadlock_detected`. */
function gaveWay(error: unknown): boolean {
  return error instanceof StatementError && ["40001", "40P01"].includes(error.sqlState);
}
