import { parseArgs } from "node:util";
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
  const { help, port, database } = parse(args);
  const number = Number(port ?? 5433);
  if (!Number.isInteger(number) || number < 0 || number > 65535) {
    throw new UsageError(`Cannot listen on port "${port}"`);
  }
  if (database !== undefined && !/^pglite:./.test(database)) {
    // The value is not shown: it may hold a password.
    throw new UsageError("Cannot serve a database that is not PGlite: --database takes pglite:DIRECTORY");
  }
  return { help: help ?? false, port: number, database: database ?? null };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        help: { type: "boolean", short: "h" },
        port: { type: "string" },
        database: { type: "string" },
      },
    }).values;
  } catch (error) {
    // Node's messages are whole sentences already: "Unknown option '--x'".
    throw new UsageError(error instanceof Error ? error.message.replace(/\.$/, "") : String(error));
  }
}
