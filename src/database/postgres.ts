import postgres from "postgres";
import type { Database, Parameter, Row, Transaction } from "./database.ts";
import { explain } from "./_postgres_errors.ts";
import { parsers, sentAsText, serialize } from "./_values.ts";

/**
 * Makes a connection pool for a Postgres server. It connects with the first statement, and again whenever a
 * connection was lost. Prepared statements are off and nothing outlives a transaction, so that it works
 * through a pooler in transaction mode.
 *
 * @param uri `postgres://user:password@host:port/database`, with `sslmode` and so on as parameters.
 * @throws {DatabaseError} `connection_string_invalid`.
 */
export function openPostgres(uri: string): PostgresDatabase {
  return new PostgresDatabase(uri);
}

/** Seconds until a server that does not answer counts as unreachable. */
const CONNECT_TIMEOUT_SECONDS = 5;
const MAX_CONNECTIONS = 10;

function connect(uri: string): postgres.Sql {
  return postgres(uri, {
    max: MAX_CONNECTIONS,
    prepare: false,
    fetch_types: false,
    connect_timeout: CONNECT_TIMEOUT_SECONDS,
    max_lifetime: null,
    onnotice: () => {},
    connection: { application_name: "timestep", TimeZone: "UTC" },
    types: Object.fromEntries(sentAsText.map((type) => [`type${type}`, {
      to: type,
      from: [type],
      serialize: (text: string) => text,
      parse: parsers[type] ?? String,
    }])),
  });
}

/** A Postgres server as a `Database`. */
export class PostgresDatabase implements Database {
  /** Which engine answers. */
  readonly engine = "postgres";
  readonly #sql: postgres.Sql;

  /** @param uri Where the server is. */
  constructor(uri: string) {
    this.#sql = connect(uri);
  }

  /** Runs one statement. */
  query(text: string, parameters: readonly Parameter[] = []): Promise<Row[]> {
    return run(this.#sql, text, parameters);
  }

  /** Runs several statements in one transaction. */
  async script(sql: string): Promise<void> {
    await this.transaction((transaction) => transaction.script(sql));
  }

  /** Runs `body` in a transaction, on one connection. */
  async transaction<T>(body: (transaction: Transaction) => Promise<T>): Promise<T> {
    let result: { value: T } | undefined;
    try {
      await this.#sql.begin(async (sql) => {
        result = {
          value: await body({
            query: (text, parameters = []) => run(sql, text, parameters),
            script: async (text) => void await sql.unsafe(text).catch(rethrow),
          }),
        };
      });
    } catch (error) {
      throw explain(error);
    }
    if (result === undefined) throw new Error("Cannot happen: a transaction committed without its body");
    return result.value;
  }

  /** Waits for statements under way and closes every connection. */
  async close(): Promise<void> {
    await this.#sql.end();
  }
}

/** The extended protocol also without parameters, so that one statement is one statement on either engine. */
const ONE_STATEMENT = { prepare: false, simple: false };

async function run(sql: postgres.ISql, text: string, parameters: readonly Parameter[]): Promise<Row[]> {
  const rows = await sql.unsafe(text, parameters.map(serialize), ONE_STATEMENT).catch(rethrow);
  return [...rows];
}

function rethrow(error: unknown): never {
  throw explain(error);
}
