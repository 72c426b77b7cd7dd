import { DatabaseError } from "./database_error.ts";
import { PostgresConnection } from "./_postgres_connection.ts";
import type { PostgresAddress } from "./_postgres_uri.ts";

/** Up to a number of connections to one server, each used by one at a time. */
export class PostgresPool {
  readonly #address: PostgresAddress;
  readonly #max: number;
  readonly #idle: PostgresConnection[] = [];
  readonly #waiting: ((connection: PostgresConnection) => void)[] = [];
  readonly #closing = new Set<Promise<void>>();
  #inUse = 0;
  #closed = false;

  /**
   * @param address Where the server is.
   * @param max How many connections there are at most.
   */
  constructor(address: PostgresAddress, max: number) {
    this.#address = address;
    this.#max = max;
  }

  /**
   * Lends a connection, in turn when all are in use.
   *
   * @param body What to do with it.
   * @returns What `body` resolved to.
   */
  async use<T>(body: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    if (this.#closed) {
      throw new DatabaseError("closed", "Cannot use the database: it was closed. Open it again.");
    }
    const connection = this.#inUse < this.#max
      ? this.#take()
      : await new Promise<PostgresConnection>((resolve) => this.#waiting.push(resolve));
    try {
      return await body(connection);
    } finally {
      this.#giveBack(connection);
    }
  }

  /** Closes the connections that are idle, and waits for it; those in use are closed when they come back. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const connection of this.#idle.splice(0)) this.#discard(connection);
    await Promise.all(this.#closing);
  }

  #take(): PostgresConnection {
    this.#inUse++;
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (idle.usable) return idle;
      this.#discard(idle);
    }
    return new PostgresConnection(this.#address);
  }

  #giveBack(connection: PostgresConnection): void {
    this.#inUse--;
    if (!connection.usable || this.#closed) this.#discard(connection);
    else this.#idle.push(connection);
    const next = this.#waiting.shift();
    if (next !== undefined) next(this.#take());
  }

  #discard(connection: PostgresConnection): void {
    const closed = connection.close().catch(() => {}).finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
  }
}
