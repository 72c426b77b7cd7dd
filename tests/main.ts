/**
 * `deno task test`: starts a throwaway Postgres when its programs are there, runs all tests, every example in the
 * documentation and the tests of the Python package, and closes with a line that counts them. Arguments are passed to
 * `deno test`; paths among them replace the whole suite: `deno task test tests/state --filter=save`.
 *
 * @module
 */
import { deno } from "./_child.ts";
import { inMemory } from "./_in_memory.ts";
import { OllamaStandIn } from "./model/_ollama_stand_in.ts";
import { OpenAIStandIn, weatherScript } from "./openai_stand_in/mod.ts";
import { readPytestTally, readTally, sum, type Tally, tallyLine } from "./_tally.ts";
import { withPostgres } from "./_with_postgres.ts";
import { checkPython, preparePython, testPython } from "./python_main.ts";

/** How many parts of the suite run side by side: as many as there are cores, and one, as all of them wait at times. */
const AT_ONCE = Math.min(navigator.hardwareConcurrency + 1, 4);

/** Those that take longest first, so that all cores are busy to the end. What is not named here is a part, too. */
const PARTS: readonly (readonly string[])[] = [
  ["tests/http"],
  ["tests/supabase"],
  ["tests/workflows"],
  ["tests/cli"],
  ["tests/workflows/crash_matrix_test.ts"],
  ["tests/durable"],
  ["tests/seeds"],
  ["tests/functions"],
  ["tests/state"],
  ["tests/database"],
];

/** The same for the tests of the Python package. */
const PYTHON_PARTS: readonly (readonly string[])[] = [["tests/test_durable_kills.py"]];

/** WebAssembly is not compiled a second time, for speed: most processes that open PGlite end before that pays. */
const V8_FLAGS = "--liftoff-only";

/** What a part of the suite wrote, and how its tests ended. */
interface Outcome {
  tally: Tally;
  text: string;
}

/** A part of the suite. */
interface Part {
  name: string;
  /** @param env Variables for its processes. */
  run(env: Record<string, string>): Promise<Outcome>;
}

if (import.meta.main) Deno.exit(await inMemory(() => withPostgres(() => main(Deno.args))));

async function main(args: readonly string[]): Promise<number> {
  const paths = args.filter(isPath);
  // Deno would pass on to the tests what follows "--", which npm's scripts want there.
  const flags = args.filter((arg) => !isPath(arg) && arg !== "--");
  const home = await Deno.makeTempDir({ prefix: "timestep-test-" });
  Deno.env.set("DENO_V8_FLAGS", [Deno.env.get("DENO_V8_FLAGS") ?? [], V8_FLAGS].flat().join(","));
  try {
    const chosen = [...flags, ...(paths.length > 0 ? paths : ["tests"])];
    const tallies = args.length > 0
      ? [(await test(chosen, environment(`${home}/pglite`), true)).tally]
      : await testAll(home);
    const total = sum(tallies);
    console.log(`\n${tallyLine(total)}`);
    return total.failed === 0 ? 0 : 1;
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

/**
 * Whatever opens the default database does not find the developer's own. And there is nobody to send traces to.
 *
 * @param pglite Where the default database is.
 */
function environment(pglite: string): Record<string, string> {
  return { TIMESTEP_PGLITE_PATH: pglite, OPENAI_AGENTS_DISABLE_TRACING: "1" };
}

/** Runs everything, several parts side by side, each of which is shown when it has ended. */
async function testAll(home: string): Promise<Tally[]> {
  // Tests that cross languages use the environment that is made here.
  const python = await preparePython();
  const waiting = [...parts(python)].entries();
  const tallies: Tally[] = [];
  const ended = await Promise.allSettled(Array.from({ length: AT_ONCE }, async () => {
    for (const [index, { name, run }] of waiting) {
      const { tally, text } = await run(environment(`${home}/pglite-${index}`));
      console.log(`\n=== ${name} ===\n${text.trimEnd()}`);
      tallies.push(tally);
    }
  }));
  // Only when all have come to their end can what they use be removed.
  for (const one of ended) if (one.status === "rejected") throw one.reason;
  return tallies;
}

function parts(python: string | null): Part[] {
  const named = PARTS.flat();
  const inDeno = PARTS.map((paths): Part => {
    const without = named.filter((path) => paths.some((folder) => path.startsWith(`${folder}/`)));
    return { name: paths.join(", "), run: (env) => test([...paths, ...ignore(without)], env) };
  });
  return [
    ...pythonParts(python),
    ...inDeno,
    { name: "other tests", run: (env) => test(["tests", ...ignore(named)], env) },
    { name: "examples in the documentation", run: testDocumentation },
  ];
}

function ignore(paths: readonly string[]): string[] {
  return paths.length > 0 ? [`--ignore=${paths.join(",")}`] : [];
}

/** Runs the examples in README and in doc comments, against stand-ins for the APIs of OpenAI and Ollama. */
async function testDocumentation(env: Record<string, string>): Promise<Outcome> {
  await using openai = new OpenAIStandIn({ script: weatherScript });
  await using ollama = new OllamaStandIn(() => ({ content: "2+2 is 4." }));
  const standIns = {
    OPENAI_BASE_URL: openai.url,
    OPENAI_API_KEY: "test",
    OLLAMA_HOST: ollama.host,
  };
  return await test(["--doc", "README.md", "mod.ts", "src"], { ...env, ...standIns });
}

/** The Python package, which CI must not leave out. */
function pythonParts(python: string | null): Part[] {
  if (python === null) {
    const failed = Deno.env.get("CI") === undefined ? 0 : 1;
    const text = "The tests of the Python package are left out.";
    const outcome = { tally: { passed: 0, failed, skipped: 0 }, text };
    return [{ name: "Python", run: () => Promise.resolve(outcome) }];
  }
  const named = PYTHON_PARTS.flat();
  const pytest = async (args: readonly string[]): Promise<Outcome> => {
    const { code, text } = await testPython(python, { args });
    return { tally: readPytestTally(code, text), text };
  };
  return [
    { name: "Python: other tests", run: () => pytest(named.map((path) => `--ignore=${path}`)) },
    ...PYTHON_PARTS.map((paths) => ({ name: `Python: ${paths.join(", ")}`, run: () => pytest(paths) })),
    {
      name: "Python: format, lint and types",
      run: async () => {
        const { code, text } = await checkPython(python);
        return { tally: { passed: 0, failed: code === 0 ? 0 : 1, skipped: 0 }, text };
      },
    },
  ];
}

async function test(args: readonly string[], env: Record<string, string>, show = false): Promise<Outcome> {
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
