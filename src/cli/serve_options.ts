import { parseOptions, parsePort } from "./parse_options.ts";

/** What to serve, and where. */
export interface ServeOptions {
  /** Show the help and do nothing. */
  help: boolean;
  /** The module that exports `agents`. */
  agents: string;
  /** The port on this machine; 0 for a free one. */
  port: number;
  /** The agents that take functions from their callers. */
  callerTools: string[];
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
  const { help, agents, port, "caller-tools": callerTools, database } = parseOptions(args, {
    agents: { type: "string" },
    port: { type: "string" },
    "caller-tools": { type: "string", multiple: true },
    database: { type: "string" },
  });
  return {
    help: help ?? false,
    agents: agents ?? "functions/_agents.ts",
    port: parsePort(port ?? "8000"),
    callerTools: callerTools ?? [],
    database: database ?? null,
  };
}
