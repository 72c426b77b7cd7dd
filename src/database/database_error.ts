import { TimestepError } from "../core/errors.ts";

/**
 * What went wrong with the database itself, as opposed to a statement:
 *
 * | code | condition |
 * |---|---|
 * | `connection_string_invalid` | neither a Postgres URI nor a PGlite location |
 * | `environment_not_readable` | the program may not read the environment variable that names the database |
 * | `host_not_found` | the host's name has no address |
 * | `server_unreachable` | nothing answers at the address, or not in time |
 * | `tls_failed` | no encrypted connection, or a certificate that is not trusted |
 * | `authentication_failed` | the user or the password is wrong, or the server lets nobody in from here |
 * | `database_not_found` | the server has no database of that name |
 * | `permission_missing` | the role may not do what is needed, for example create the schema |
 * | `too_many_connections` | the server has no connection left |
 * | `connection_lost` | the connection broke; the statement under way may or may not have taken effect |
 * | `schema_too_new` | a newer version of this module has migrated the database |
 * | `directory_in_use` | another process has the PGlite directory open |
 * | `directory_unusable` | the PGlite directory can't be created, locked or read, or is not a PGlite directory |
 * | `closed` | the database was closed before the call |
 */
export type DatabaseErrorCode =
  | "connection_string_invalid"
  | "environment_not_readable"
  | "host_not_found"
  | "server_unreachable"
  | "tls_failed"
  | "authentication_failed"
  | "database_not_found"
  | "permission_missing"
  | "too_many_connections"
  | "connection_lost"
  | "schema_too_new"
  | "directory_in_use"
  | "directory_unusable"
  | "closed";

/** The database can't be reached, opened or used. It never carries a password. */
export class DatabaseError extends TimestepError {
  /** The class's name. */
  override readonly name = "DatabaseError";
  /** Which condition it is. */
  override readonly code: DatabaseErrorCode;

  /**
   * Makes the error.
   *
   * @param code Which condition it is.
   * @param message What could not be done, why, and what to do.
   * @param options The error behind it, if it is free of secrets.
   */
  constructor(code: DatabaseErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * The database refused one statement. The message is the server's; parameters and rows are left out on
 * purpose, since they hold what people said.
 */
export class StatementError extends TimestepError {
  /** The class's name. */
  override readonly name = "StatementError";
  /** Always `statement_failed`; `sqlState` tells which error it is. */
  override readonly code = "statement_failed";
  /** The five characters of the SQLSTATE, for example `23505` for a duplicate key. */
  readonly sqlState: string;
  /** The constraint that was violated, or `null`. */
  readonly constraint: string | null;

  /**
   * Makes the error.
   *
   * @param message The server's message.
   * @param sqlState The five characters of the SQLSTATE.
   * @param constraint The constraint that was violated, if one was.
   */
  constructor(message: string, sqlState: string, constraint: string | null = null) {
    super(message);
    this.sqlState = sqlState;
    this.constraint = constraint;
  }
}
