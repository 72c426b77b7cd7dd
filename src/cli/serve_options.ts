import { parseArgs } from "node:util";
import { UsageError } from "./usage_error.ts";

/** What to serve, and where. */
export interface ServeOptions {
  /** Show the help and do nothing. */
  help: boolean;
  /** The module that exports `agents`. */
  agents: string;
  /** The port on this machine; 0 for a free one. */
  port: number;
  /** A connection string as `openDatabase()` takes it, or `null` to choose by the environment. */
  database: string | null;
}

/**
 * Reads the options of `timestep serve`.
 *
 * @param args The arguments after `serve`.
 * @throws {UsageError} When an option is unknown, lacks its value or has a wrong one.
 */
export function parseServeOptions(args: readonly string[]): ServeOptions {
  const { help, agents, port, database } = parse(args);
  const number = Number(port ?? 8000);
  if (!Number.isInteger(number) || number < 0 || number > 65535) {
    throw new UsageError(`Cannot listen on port "${port}"`);
  }
  return {
    help: help ?? false,
    agents: agents ?? "functions/_agents.ts",
    port: number,
    database: database ?? null,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        help: { type: "boolean", short: "h" },
        agents: { type: "string" },
        port: { type: "string" },
        database: { type: "string" },
      },
    }).values;
  } catch (error) {
    // Node's messages are whole sentences already: "Unknown option '--x'".
    throw new UsageError(error instanceof Error ? error.message.replace(/\.$/, "") : String(error));
  }
}
