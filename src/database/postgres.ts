import postgres from "postgres";
import type { Database, Parameter, Row, Transaction } from "./database.ts";
import { DatabaseError } from "./database_error.ts";
import { databaseError, explain } from "./_postgres_errors.ts";
import { SocketSource } from "./_postgres_socket.ts";
import { parsePostgresUri, type PostgresAddress } from "./_postgres_uri.ts";
import { TransactionScope } from "./_transaction_scope.ts";
import { parsers, sentAsText, serialize } from "./_values.ts";

/** How long a server may take to answer a new connection, in milliseconds. */
const CONNECT_TIMEOUT_MS = 5_000;
/** How long a server that was there may be away before a statement gives up on it, in milliseconds. */
const PATIENCE_MS = 10_000;
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
  readonly #sockets: SocketSource;
  readonly #sql: postgres.Sql;
  #wasConnected = false;
  #underway = 0;
  #keepAlive: ReturnType<typeof setInterval> | undefined;

  constructor(address: PostgresAddress) {
    this.#address = address;
    this.#sockets = new SocketSource(address, CONNECT_TIMEOUT_MS);
    this.#sql = pool(address, this.#sockets);
  }

  query(text: string, parameters: readonly Parameter[] = []): Promise<Row[]> {
    return this.#patiently(() => this.#explained(run(this.#sql, text, parameters)));
  }

  async script(sql: string): Promise<void> {
    await this.transaction((transaction) => transaction.script(sql));
  }

  transaction<T>(body: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.#patiently(async (begun) => {
      const scope = new TransactionScope();
      let result: { value: T } | undefined;
      let thrown: unknown;
      const begin = this.#sql.begin(async (sql) => {
        begun();
        const inner: Transaction = {
          query: (text, parameters = []) => this.#explained(run(sql, text, parameters)),
          script: async (text) => void await this.#explained(sql.unsafe(text)),
        };
        try {
          result = { value: await scope.run(inner, body) };
        } catch (error) {
          thrown = error;
          throw error;
        }
      });
      try {
        await begin;
      } catch (error) {
        // What the body threw is the caller's own and passes as it is.
        throw error === thrown ? error : this.#explain(error);
      } finally {
        scope.end();
      }
      if (result === undefined) throw new Error("Cannot happen: a transaction committed without its body");
      return result.value;
    });
  }

  async close(): Promise<void> {
    await this.#awake(() => this.#sql.end());
  }

  /**
   * Waits for a server that is away for a moment (a restart, a fail-over), but only where it is certain that
   * nothing was sent: a statement that may have taken effect is never sent twice.
   */
  #patiently<T>(attempt: (begun: () => void) => Promise<T>): Promise<T> {
    return this.#awake(async () => {
      const deadline = Date.now() + PATIENCE_MS;
      for (let delayMs = 50;; delayMs = Math.min(2 * delayMs, 1_000)) {
        let begun = false;
        try {
          return await attempt(() => begun = true);
        } catch (error) {
          const retry = this.#wasConnected && !begun && isAway(error) && Date.now() + delayMs < deadline;
          if (!retry) throw error;
        }
        await new Promise((resolve) => setTimeout(resolve, delayMs));
      }
    });
  }

  async #explained<T>(result: PromiseLike<T>): Promise<T> {
    try {
      const value = await result;
      this.#wasConnected = true;
      this.#sockets.answered();
      return value;
    } catch (error) {
      throw this.#explain(error);
    }
  }

  #explain(error: unknown): unknown {
    const explained = explain(error, this.#address);
    const neverWas = !this.#wasConnected && explained instanceof DatabaseError &&
      explained.code === "connection_lost";
    return neverWas ? databaseError("server_unreachable", "it hangs up", this.#address) : explained;
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

function pool(address: PostgresAddress, sockets: SocketSource): postgres.Sql {
  const { host, port, user, password, database, settings } = address;
  const options = {
    host,
    port,
    ...(user === "" ? {} : { username: user }),
    ...(password === "" ? {} : { password }),
    ...(database === "" ? {} : { database }),
    // The sockets are encrypted already.
    ssl: false,
    socket: () => sockets.open(),
    max: MAX_CONNECTIONS,
    prepare: false,
    // deno-lint-ignore camelcase
    fetch_types: false,
    // deno-lint-ignore camelcase
    connect_timeout: CONNECT_TIMEOUT_MS / 1_000,
    // Its timer would keep the process alive.
    // deno-lint-ignore camelcase
    max_lifetime: null,
    // deno-lint-ignore camelcase
    idle_timeout: 0,
    onnotice: () => {},
    connection: { TimeZone: "UTC", ...settings },
    types: Object.fromEntries(sentAsText.map((type) => [`type${type}`, {
      to: type,
      from: [type],
      serialize: (text: string) => text,
      parse: parsers[type] ?? String,
    }])),
  };
  return postgres(options);
}

/** The extended protocol also without parameters, so that one statement is one statement on either engine. */
const ONE_STATEMENT = { prepare: false, simple: false };

async function run(sql: postgres.ISql, text: string, parameters: readonly Parameter[]): Promise<Row[]> {
  return [...await sql.unsafe(text, parameters.map(serialize), ONE_STATEMENT)];
}
