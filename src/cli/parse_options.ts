import { parseArgs, type ParseArgsConfig } from "node:util";
import { UsageError } from "./usage_error.ts";

type Options = NonNullable<ParseArgsConfig["options"]>;

/**
 * Reads a command's options, and `--help`.
 *
 * @param args The arguments after the command.
 * @param options The command's own options, as `parseArgs()` of node:util takes them.
 * @returns What was given; an option that was not is `undefined`.
 * @throws {UsageError} When an option is unknown or lacks its value, or there is an argument beside them.
 */
export function parseOptions<TOptions extends Options>(args: readonly string[], options: TOptions) {
  try {
    const help = { type: "boolean", short: "h" } as const;
    // npm's scripts want "--" before their arguments, and Deno's tasks pass it on.
    const given = args[0] === "--" ? args.slice(1) : [...args];
    return parseArgs({ args: given, options: { ...options, help } }).values;
  } catch (error) {
    // Node's messages are whole sentences already: "Unknown option '--x'".
    throw new UsageError(error instanceof Error ? error.message.replace(/\.$/, "") : String(error));
  }
}

/**
 * Reads a port; 0 is a free one.
 *
 * @throws {UsageError} When it is none.
 */
export function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65535) return port;
  throw new UsageError(`Cannot listen on port "${text}"`);
}
