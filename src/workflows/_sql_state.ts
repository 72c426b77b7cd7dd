import { StatementError } from "../database/database_error.ts";

/** The SQLSTATE of a statement's error; undefined for any other error. */
export function sqlStateOf(error: unknown): string | undefined {
  return error instanceof StatementError ? error.sqlState : undefined;
}
