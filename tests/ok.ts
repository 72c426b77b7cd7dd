/**
 * `deno task ok`, the one gate: a line a check, what went wrong below it. All of them run; one that fails makes
 * the exit code 1.
 *
 * @module
 */
import { deno, type Ended } from "./_child.ts";
import { readTallyLine, sum, type Tally, tallyLine } from "./_tally.ts";

interface Check {
  name: string;
  args: readonly string[];
}

/** Quick ones, which run side by side. */
const CHECKS: readonly Check[] = [
  { name: "format", args: ["fmt", "--check"] },
  { name: "lint", args: ["lint"] },
  { name: "types", args: ["check", "mod.ts", "src", "functions", "tests"] },
  { name: "types of the examples", args: ["check", "--doc-only", "README.md", "mod.ts", "src"] },
  { name: "documentation", args: ["doc", "--lint", "mod.ts", "src/http/mod.ts", "src/cli/main.ts"] },
  { name: "publishable", args: ["publish", "--dry-run", "--allow-dirty"] },
];

if (import.meta.main) Deno.exit(Deno.args.length === 0 ? await main() : refuse());

/** It is all or nothing: who asks it for help, or for a part, should not wait for all. */
function refuse(): number {
  console.error(
    "Usage: deno task ok\n\nRuns all checks and all tests. For some of the tests: deno task test PATHS",
  );
  return 2;
}

async function main(): Promise<number> {
  const tallies: Tally[] = [];
  for (const { check, ended } of CHECKS.map((check) => ({ check, ended: deno(check.args) }))) {
    tallies.push(report(check.name, await ended));
  }
  console.log("\ndeno task test");
  const tests = await deno(["task", "--quiet", "test"], { show: true });
  tallies.push(readTallyLine(tests.text) ?? { passed: 0, failed: 1, skipped: 0 });
  const total = sum(tallies);
  console.log(`\nWith the ${CHECKS.length} checks above:\n${tallyLine(total)}`);
  return total.failed === 0 && tests.code === 0 ? 0 : 1;
}

function report(name: string, { code, text }: Ended): Tally {
  const ok = code === 0;
  console.log(`${ok ? "ok    " : "FAILED"} ${name}`);
  if (!ok) console.log(text.trim().replace(/^/gm, "  "));
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 };
}
