/**
 * `deno task bench [NAME...]`: runs the benchmarks, `NAME_bench.ts` in this folder, each of which exports
 * `bench()`, with a throwaway Postgres when its programs are there. They print ratios, and are not tests.
 *
 * @module
 */
import { type Program, programsIn, readCommand } from "../_programs.ts";
import { withPostgres } from "../_with_postgres.ts";

const USAGE = `Usage: deno task bench [NAME...]

Runs the benchmarks of these names, or all. They print ratios of things measured side by side.`;

if (import.meta.main) {
  const programs = readCommand(
    Deno.args,
    USAGE,
    () => programsIn(new URL("./", import.meta.url), "_bench.ts", Deno.args),
  );
  Deno.exit(typeof programs === "number" ? programs : await withPostgres(() => main(programs)));
}

async function main(programs: readonly Program[]): Promise<number> {
  const gigabytes = Math.round(Deno.systemMemoryInfo().total / 2 ** 30);
  console.log(`Deno ${Deno.version.deno}, ${navigator.hardwareConcurrency} cores, ${gigabytes} GB`);
  // There is nobody to send traces to.
  Deno.env.set("OPENAI_AGENTS_DISABLE_TRACING", "1");
  for (const { name, href } of programs) {
    console.log(`\n=== ${name} ===`);
    const { bench }: { bench(): Promise<void> } = await import(href);
    await bench();
  }
  return 0;
}
