import { DatabaseError, type DatabaseErrorCode, StatementError } from "./database_error.ts";
import type { PostgresAddress } from "./_postgres_uri.ts";

/**
 * Says what an error of the driver means. The driver's error is not passed on, not even as the cause: it holds
 * statements, parameters and options.
 *
 * @param error What the driver, or the code that uses it, threw.
 * @param address Where the server is.
 */
export function explain(error: unknown, address: PostgresAddress): unknown {
  if (!(error instanceof Error) || !("code" in error)) return error;
  if (error instanceof DatabaseError || error instanceof StatementError) return error;
  const code = String(error.code);
  if (error.name !== "PostgresError") return explainConnection(code, error.message, address);
  const refusal = refusals[code] ?? (code === POOLER ? poolerRefusal(error.message) : undefined);
  if (refusal !== undefined) return databaseError(refusal, error.message, address);
  if ("severity" in error && error.severity === "FATAL") return explainFatal(code, error.message, address);
  const constraint = "constraint_name" in error ? String(error.constraint_name) : null;
  return new StatementError(error.message, code, constraint);
}

/** Errors with which a server turns a connection away, https://www.postgresql.org/docs/current/errcodes-appendix.html. */
const refusals: Readonly<Record<string, DatabaseErrorCode>> = {
  "28000": "authentication_failed",
  "28P01": "authentication_failed",
  "3D000": "database_not_found",
  "53300": "too_many_connections",
  // Starting up, shutting down or recovering.
  "57P03": "server_unreachable",
  // Ended by the administrator, by a crash, by an idle timeout.
  "57P01": "connection_lost",
  "57P02": "connection_lost",
  "57P05": "connection_lost",
  "25P03": "connection_lost",
};

/** What poolers say everything with that they say themselves; a server says other things with it. */
const POOLER = "08P01";

function poolerRefusal(message: string): DatabaseErrorCode | undefined {
  if (/authentication failed/i.test(message)) return "authentication_failed";
  if (/^database ".*" does not exist|^no such database/i.test(message)) return "database_not_found";
  return /no more connections allowed/i.test(message) ? "too_many_connections" : undefined;
}

function explainFatal(code: string, message: string, address: PostgresAddress): DatabaseError {
  if (code === "42501") return databaseError("permission_missing", message, address);
  if (/no such database/i.test(message)) return databaseError("database_not_found", message, address);
  return databaseError("server_unreachable", message, address);
}

const closings = ["CONNECTION_CLOSED", "CONNECTION_DESTROYED", "ECONNRESET", "EPIPE"]
  .concat(["ERR_STREAM_WRITE_AFTER_END", "ERR_STREAM_DESTROYED", "ERR_SOCKET_CLOSED"]);

function explainConnection(code: string, message: string, address: PostgresAddress): unknown {
  if (code === "CONNECTION_ENDED") {
    return new DatabaseError("closed", "Cannot use the database: it was closed. Open it again.");
  }
  if (closings.includes(code)) return databaseError("connection_lost", "the connection broke", address);
  if (code === "CONNECT_TIMEOUT") return databaseError("server_unreachable", "it does not answer", address);
  if (/certificate|TLS|SSL|self.?signed/i.test(`${code} ${message}`)) {
    return databaseError("tls_failed", message, address);
  }
  // The driver's own complaints, such as too many parameters: codes and words, no values.
  return new StatementError(message, code);
}

/**
 * Makes an error that names the server.
 *
 * @param code Which condition it is.
 * @param why What the server or the system said.
 * @param address Where the server is.
 */
export function databaseError(code: DatabaseErrorCode, why: string, address: PostgresAddress): DatabaseError {
  const place = address.host.startsWith("/") ? address.host : `${address.host}:${address.port}`;
  const [what, advice] = sentences.get(code) ?? ["use the database", "Check the connection string."];
  return new DatabaseError(code, `Cannot ${what} on Postgres at ${place}: ${why}. ${advice}`);
}

const sentences = new Map<DatabaseErrorCode, [what: string, advice: string]>([
  ["host_not_found", ["reach the database", "Check the host in the connection string."]],
  ["server_unreachable", ["reach the database", "Check host and port, and that the server is up."]],
  ["tls_failed", ["connect with TLS", "Check sslmode and sslrootcert in the connection string."]],
  ["authentication_failed", ["log in", "Check user and password in the connection string."]],
  ["database_not_found", ["open the database", "Create it, or check its name in the connection string."]],
  ["permission_missing", ["open the database", "Grant the permission to the role, or use another role."]],
  ["too_many_connections", ["connect", "Raise max_connections, or connect through a pooler."]],
  ["connection_lost", [
    "say whether the statement took effect",
    "Look at the data before sending it again.",
  ]],
]);
