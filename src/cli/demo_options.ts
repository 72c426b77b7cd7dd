import { parseOptions } from "./parse_options.ts";
import { UsageError } from "./usage_error.ts";

/** How to give the demo. */
export interface DemoOptions {
  /** Show the help and do nothing. */
  help: boolean;
  /** The answer to every approval, or `null` to ask the person at the terminal. */
  decision: "approve" | "reject" | null;
  /** The model's name with its prefix, `"scripted"`, or `null` to choose by the environment. */
  model: string | null;
  /** A connection string as `openDatabase()` takes it, or `null` to choose by the environment. */
  database: string | null;
}

/**
 * Reads the options of `timestep demo`.
 *
 * @param args The arguments after `demo`.
 * @throws {UsageError} When an option is unknown, lacks its value or contradicts another.
 */
export function parseDemoOptions(args: readonly string[]): DemoOptions {
  const values = parseOptions(args, {
    yes: { type: "boolean", short: "y" },
    reject: { type: "boolean" },
    model: { type: "string" },
    database: { type: "string" },
  });
  if (values.yes && values.reject) throw new UsageError("Cannot both approve (--yes) and reject (--reject)");
  return {
    help: values.help ?? false,
    decision: values.yes ? "approve" : values.reject ? "reject" : null,
    // Empty is what a variable that is not set turns into.
    model: values.model || null,
    database: values.database ?? null,
  };
}
