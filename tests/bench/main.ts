/**
 * `deno task bench [NAME...]`: runs the benchmarks, `NAME_bench.ts` in this folder, each of which exports
 * `bench()`, with a throwaway Postgres when its programs are there. They print ratios, and are not tests.
 *
 * @module
 */
import { programsIn } from "../_programs.ts";
import { withPostgres } from "../_with_postgres.ts";

if (import.meta.main) Deno.exit(await withPostgres(() => main(Deno.args)));

async function main(names: readonly string[]): Promise<number> {
  const gigabytes = Math.round(Deno.systemMemoryInfo().total / 2 ** 30);
  console.log(`Deno ${Deno.version.deno}, ${navigator.hardwareConcurrency} cores, ${gigabytes} GB`);
  // There is nobody to send traces to.
  Deno.env.set("OPENAI_AGENTS_DISABLE_TRACING", "1");
  for (const { name, href } of programsIn(new URL("./", import.meta.url), "_bench.ts", names)) {
    console.log(`\n=== ${name} ===`);
    const { bench }: { bench(): Promise<void> } = await import(href);
    await bench();
  }
  return 0;
}
