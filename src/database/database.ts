/** One row of a result: column name to value. */
export type Row = Record<string, unknown>;

/** What can be sent as a parameter. JSON goes as text and is cast in the statement: `$1::text::json`. */
export type Parameter = string | number | bigint | boolean | Date | Uint8Array | null | readonly string[];

/** Something that runs one SQL statement: a database, or a transaction in it. */
export interface Queryable {
  /**
   * Runs one statement.
   *
   * Values come back the same from every implementation: `int2/4/8` as number (a `RangeError` beyond
   * ±2^53), `numeric` as string, `timestamptz` as `Date`, `json`/`jsonb` parsed, `bytea` as `Uint8Array`,
   * arrays of text as arrays, SQL null as `null`.
   *
   * @param text The statement, with `$1`, `$2`, ... where parameters go.
   * @param parameters The parameters, in order.
   * @returns The rows, empty when the statement returns none.
   * @throws {StatementError} When the database refuses the statement; `sqlState` tells why.
   * @throws {DatabaseError} When the database can't be reached or was closed.
   */
  query(text: string, parameters?: readonly Parameter[]): Promise<Row[]>;
}

/** A transaction under way. */
export interface Transaction extends Queryable {
  /**
   * Runs several statements, without parameters.
   *
   * @param sql The statements, separated by semicolons.
   */
  script(sql: string): Promise<void>;
}

/**
 * The little that this module needs from a database. `openDatabase()` makes one for Postgres or PGlite;
 * bring your own by implementing it, and call `migrate()` before its first use.
 */
export interface Database extends Queryable {
  /** Which engine answers. */
  readonly engine: "postgres" | "pglite";

  /**
   * Runs several statements, without parameters, as one script in one transaction.
   *
   * @param sql The statements, separated by semicolons.
   */
  script(sql: string): Promise<void>;

  /**
   * Runs `body` in a transaction: committed when it resolves, rolled back when it rejects. A statement that
   * fails dooms the transaction, also when `body` catches its error.
   *
   * @param body Is given the transaction. Statements sent to the database itself are not part of it, and PGlite, which
   * has one connection, begins with them when it has ended: a body that waits for one waits for ever.
   * @returns What `body` resolved to.
   */
  transaction<T>(body: (transaction: Transaction) => Promise<T>): Promise<T>;

  /** Waits for statements under way and closes. Calling it again does nothing. */
  close(): Promise<void>;
}
