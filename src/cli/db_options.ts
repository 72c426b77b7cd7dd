import { parseOptions, parsePort } from "./parse_options.ts";
import { UsageError } from "./usage_error.ts";

/** Which database to serve, and where. */
export interface DbOptions {
  /** Show the help and do nothing. */
  help: boolean;
  /** The port on this machine; 0 for a free one. */
  port: number;
  /** `pglite:DIRECTORY`, or `null` to choose by the environment. */
  database: string | null;
}

/**
 * Reads the options of `timestep db`.
 *
 * @param args The arguments after `db`.
 * @throws {UsageError} When an option is unknown, lacks its value or has a wrong one.
 */
export function parseDbOptions(args: readonly string[]): DbOptions {
  const { help, port, database } = parseOptions(args, {
    port: { type: "string" },
    database: { type: "string" },
  });
  if (database !== undefined && !/^pglite:./.test(database)) {
    // The value is not shown: it may hold a password.
    throw new UsageError("Cannot serve a database that is not PGlite: --database takes pglite:DIRECTORY");
  }
  return { help: help ?? false, port: parsePort(port ?? "5433"), database: database ?? null };
}
