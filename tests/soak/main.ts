/**
 * `deno task soak [NAME...] [--seed=NUMBER] [--seconds=NUMBER]`: runs the soaks, `NAME_soak.ts` in this folder,
 * each of which exports `soak(options)`: the same random disasters again and again until the time is over.
 * The seed is printed, and gives the same disasters again.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { type Program, programsIn, readCommand } from "../_programs.ts";
import { withPostgres } from "../_with_postgres.ts";

/** What a soak is given. */
export interface SoakOptions {
  /** Where all its randomness comes from. */
  seed: number;
  /** When to begin no further round, as `Date.now()` counts. */
  endsAt: number;
}

interface Soaks {
  programs: readonly Program[];
  seed: number;
  seconds: number;
}

const USAGE = `Usage: deno task soak [NAME...] [--seed=NUMBER] [--seconds=NUMBER]

Runs the soaks of these names, or all, each for so many seconds (default: 60). The seed is printed, and gives the same
disasters again.`;

if (import.meta.main) {
  const soaks = readCommand(Deno.args, USAGE, () => readSoaks(Deno.args));
  Deno.exit(typeof soaks === "number" ? soaks : await withPostgres(() => main(soaks)));
}

function readSoaks(args: string[]): Soaks {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { seed: { type: "string" }, seconds: { type: "string", default: "60" } },
  });
  return {
    programs: programsIn(new URL("./", import.meta.url), "_soak.ts", positionals),
    seed: readNumber(values.seed ?? String(Math.trunc(Math.random() * 2 ** 31))),
    seconds: readNumber(values.seconds),
  };
}

async function main({ programs, seed, seconds }: Soaks): Promise<number> {
  // There is nobody to send traces to.
  Deno.env.set("OPENAI_AGENTS_DISABLE_TRACING", "1");
  // What ends a soak is to be read: the SDK hides errors that nobody catches.
  Deno.env.set("OPENAI_AGENTS_DONT_LOG_MODEL_DATA", "0");
  Deno.env.set("OPENAI_AGENTS_DONT_LOG_TOOL_DATA", "0");
  for (const { name, href } of programs) {
    console.log(`\n=== ${name}: ${seconds} s, --seed=${seed} ===`);
    const { soak }: { soak(options: SoakOptions): Promise<void> } = await import(href);
    await soak({ seed, endsAt: Date.now() + seconds * 1000 });
  }
  return 0;
}

function readNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) {
    throw new RangeError(`Cannot use "${text}": give a whole number`);
  }
  return value;
}
