/**
 * `deno task test`: starts a throwaway Postgres when its programs are there, runs all tests, every example in the
 * documentation and the tests of the Python package, and closes with a line that counts them. Arguments are passed to
 * `deno test`; paths among them replace the whole suite: `deno task test tests/state --filter=save`.
 *
 * @module
 */
import { deno } from "./_child.ts";
import { OllamaStandIn } from "./model/_ollama_stand_in.ts";
import { OpenAIStandIn, weatherScript } from "./openai_stand_in/mod.ts";
import { readPytestTally, readTally, sum, type Tally, tallyLine } from "./_tally.ts";
import { withPostgres } from "./_with_postgres.ts";
import { preparePython, testPython } from "./python_main.ts";

/** The tests of what is served and deployed: about as long as the others beside the Python package's. */
const SERVED = ["tests/cli", "tests/functions", "tests/http", "tests/supabase"];

if (import.meta.main) Deno.exit(await withPostgres(() => main(Deno.args)));

async function main(args: readonly string[]): Promise<number> {
  const paths = args.filter(isPath);
  const flags = args.filter((arg) => !isPath(arg));
  const home = await Deno.makeTempDir({ prefix: "timestep-test-" });
  try {
    // Whatever opens the default database does not find the developer's own.
    // And there is nobody to send traces to.
    const env = { TIMESTEP_PGLITE_PATH: `${home}/pglite`, OPENAI_AGENTS_DISABLE_TRACING: "1" };
    const chosen = [...flags, ...(paths.length > 0 ? paths : ["tests"])];
    const total = sum(args.length > 0 ? [await test(chosen, env)] : await testAll(home, env));
    console.log(`\n${tallyLine(total)}`);
    return total.failed === 0 ? 0 : 1;
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

/** Runs everything, as there are two cores and much of it waits in two rows side by side. */
async function testAll(home: string, env: Record<string, string>): Promise<Tally[]> {
  // Tests that cross languages use the environment that is made here.
  const python = await preparePython();
  console.log(`Run beside these, and shown after them: the Python package, ${SERVED.join(", ")}.`);
  const inPython = testPythonPackage(python);
  const served = inPython.then(() =>
    runTests(SERVED, { ...env, TIMESTEP_PGLITE_PATH: `${home}/served` }, { show: false })
  );
  const tallies = [await test(["tests", `--ignore=${SERVED.join(",")}`], env), await testDocumentation(env)];
  for (const { tally, text } of [await inPython, await served]) {
    console.log(`\n${text.trimEnd()}`);
    tallies.push(tally);
  }
  return tallies;
}

/** Runs the examples in README and in doc comments, against stand-ins for the APIs of OpenAI and Ollama. */
async function testDocumentation(env: Record<string, string>): Promise<Tally> {
  console.log("\nExamples in the documentation");
  await using openai = new OpenAIStandIn({ script: weatherScript });
  await using ollama = new OllamaStandIn(() => ({ content: "2+2 is 4." }));
  const standIns = {
    OPENAI_BASE_URL: openai.url,
    OPENAI_API_KEY: "test",
    OLLAMA_HOST: ollama.host,
  };
  return await test(["--doc", "README.md", "mod.ts", "src"], { ...env, ...standIns });
}

/** Runs the tests of the Python package, which CI must not leave out. */
async function testPythonPackage(python: string | null): Promise<{ tally: Tally; text: string }> {
  if (python === null) {
    const isRequired = Deno.env.get("CI") !== undefined;
    return {
      tally: { passed: 0, failed: isRequired ? 1 : 0, skipped: 0 },
      text: "The tests of the Python package are left out.",
    };
  }
  const { code, text } = await testPython(python);
  return { tally: readPytestTally(code, text), text };
}

async function test(args: readonly string[], env: Record<string, string>): Promise<Tally> {
  return (await runTests(args, env, { show: true })).tally;
}

async function runTests(
  args: readonly string[],
  env: Record<string, string>,
  { show }: { show: boolean },
): Promise<{ tally: Tally; text: string }> {
  // Types are checked by the gate: here that would only cost time.
  const { code, text } = await deno(["test", "--allow-all", "--no-check", "--trace-leaks", ...args], {
    env,
    show,
  });
  return { tally: readTally(code, text), text };
}

function isPath(arg: string): boolean {
  try {
    Deno.statSync(arg);
    return true;
  } catch {
    return false;
  }
}
