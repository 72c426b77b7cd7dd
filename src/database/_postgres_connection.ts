import postgres from "postgres";
import type { Parameter, Row } from "./database.ts";
import { DatabaseError } from "./database_error.ts";
import { databaseError, explain } from "./_postgres_errors.ts";
import { CONNECT_TIMEOUT_MS, openSocket } from "./_postgres_socket.ts";
import type { PostgresAddress } from "./_postgres_uri.ts";
import { parsers, sentAsText, serialize } from "./_values.ts";

/**
 * One connection to a server, made with its first statement. A broken one is never used again: the driver
 * itself would reconnect, in the middle of a transaction too, or write to a socket that is gone.
 */
export class PostgresConnection {
  readonly #address: PostgresAddress;
  readonly #sql: postgres.Sql;
  #opened = false;
  #answered = false;
  #broken = false;

  /** @param address Where the server is. */
  constructor(address: PostgresAddress) {
    this.#address = address;
    this.#sql = client(address, async () => {
      if (this.#opened) throw databaseError("server_unreachable", "it hangs up", address);
      this.#opened = true;
      const socket = await openSocket(address);
      socket.once("close", () => void (this.#broken = true));
      return socket;
    });
  }

  /** Whether it can take another statement. */
  get usable(): boolean {
    return !this.#broken;
  }

  /** Runs one statement, in one round trip. */
  async query(text: string, parameters: readonly Parameter[] = []): Promise<Row[]> {
    const values = parameters.map(serialize);
    // Given as arguments, they would make the driver ask for their types first: all of them are texts here, which
    // the server reads as what the statement needs.
    return [
      ...await this.#run(() =>
        Object.assign(this.#sql.unsafe(text, [], ONE_STATEMENT), { parameters: values })
      ),
    ];
  }

  /**
   * Gives a statement up when it is not answered in time, and the connection with it. Poolers let clients in while
   * there is no server behind them, and have them wait for minutes.
   *
   * @throws {DatabaseError} `server_unreachable`.
   */
  async answers<T>(statement: () => Promise<T>, timeoutMs: number): Promise<T> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#broken = true;
      this.#sql.end({ timeout: 0 }).catch(() => {});
    }, timeoutMs);
    try {
      return await statement();
    } catch (error) {
      throw isLate ? databaseError("server_unreachable", "it does not answer", this.#address) : error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Runs several statements. */
  async script(text: string): Promise<void> {
    await this.#run(() => this.#sql.unsafe(text));
  }

  /** Closes it. */
  async close(): Promise<void> {
    await this.#sql.end({ timeout: 1 });
  }

  async #run<T>(send: () => PromiseLike<T>): Promise<T> {
    if (this.#broken) throw databaseError("connection_lost", "the connection broke", this.#address);
    try {
      const result = await send();
      this.#answered = true;
      return result;
    } catch (error) {
      const explained = explain(error, this.#address);
      if (!(explained instanceof DatabaseError)) throw explained;
      this.#broken = true;
      const neverWas = explained.code === "connection_lost" && !this.#answered;
      throw neverWas ? databaseError("server_unreachable", "it hangs up", this.#address) : explained;
    }
  }
}

/** The extended protocol also without parameters, so that one statement is one statement on either engine. */
const ONE_STATEMENT = { prepare: false, simple: false };

function client(address: PostgresAddress, socket: () => Promise<unknown>): postgres.Sql {
  const { host, port, user, password, database, settings } = address;
  // deno-lint-ignore camelcase -- the driver's names
  const [connect_timeout, fetch_types, max_lifetime, idle_timeout] = [
    CONNECT_TIMEOUT_MS / 1_000,
    false,
    null,
    0,
  ];
  const options = {
    ...{ host, port, socket, connect_timeout, fetch_types, max_lifetime, idle_timeout },
    ...(user === "" ? {} : { username: user }),
    ...(password === "" ? {} : { password }),
    ...(database === "" ? {} : { database }),
    // The sockets are encrypted already.
    ssl: false,
    max: 1,
    prepare: false,
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
