import { DatabaseError, StatementError } from "./database_error.ts";

/** What an error of the driver means. It is not passed on itself: it holds statements and parameters. */
export function explain(error: unknown): unknown {
  if (!(error instanceof Error) || !("code" in error) || error instanceof DatabaseError) return error;
  if (error instanceof StatementError) return error;
  const code = String(error.code);
  if (error.name === "PostgresError") {
    const constraint = "constraint_name" in error ? String(error.constraint_name) : null;
    return new StatementError(error.message, code, constraint);
  }
  return error;
}
