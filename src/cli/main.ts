/**
 * The `timestep` command: `deno run -A jsr:@timestep-ai/timestep/cli --help`.
 *
 * @module
 */
import { db } from "./db.ts";
import { demo } from "./demo.ts";
import { serve } from "./serve.ts";
import { ExitCode } from "./exit_code.ts";
import { UsageError } from "./usage_error.ts";

const HELP = `Durable OpenAI Agents on Postgres alone.

Usage: timestep <command> [options]

Commands:
  demo    A conversation that stops for an approval, is saved, and is finished by another process
  serve   Your agents on this machine, for any client of OpenAI's API
  db      The PGlite directory over Postgres's protocol, for Python and others

Options:
  -h, --help    Show this help; after a command, that command's`;

/**
 * Runs one command of `timestep`.
 *
 * @param args The command's name and its options, as typed.
 * @returns The exit code: 0 done, 1 failed, 2 wrong command line, 3 a run is saved and waits for a decision.
 */
export async function main(args: readonly string[]): Promise<number> {
  const [command, ...rest] = args;
  try {
    switch (command) {
      case "demo":
        return await demo(rest);
      case "serve":
        return await serve(rest);
      case "db":
        return await db(rest);
      case "-h":
      case "--help":
        console.log(HELP);
        return ExitCode.ok;
      case undefined:
        throw new UsageError("No command given");
      default:
        throw new UsageError(`Unknown command "${command}"`);
    }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}. Add --help to see what there is.`);
    return ExitCode.usage;
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
