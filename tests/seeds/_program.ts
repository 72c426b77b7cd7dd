import type { OpenAIStandIn } from "../openai_stand_in/mod.ts";
import type { Observed } from "./_observe.ts";

/** The examples, word for word as the project's first documents have them. */
export type SeedName = "conversation" | "resume" | "resume_from_file" | "quick_start";

/** What a program has that its example has not. */
export interface Changes {
  /** Lines before the example: what it uses without declaring it. */
  before?: string[];
  /** Lines of the example, as they are there and as they are in the program. */
  lines?: Record<string, string>;
  /** Lines after the example. */
  after?: string[];
  /** The last line of the example that the program has. Default: all of it. */
  until?: string;
}

/** The text of an example. */
export function readSeed(name: SeedName): string {
  return Deno.readTextFileSync(new URL(`${name}.txt`, import.meta.url));
}

/**
 * An example as a program: its own lines, but for the changes.
 *
 * @throws {Error} When a line that is to change is not in the example.
 */
export function seedProgram(
  name: SeedName,
  { before = [], lines = {}, after = [], until }: Changes = {},
): string {
  const seed = readSeed(name).trimEnd().split("\n");
  for (const line of [...Object.keys(lines), ...(until === undefined ? [] : [until])]) {
    if (!seed.includes(line)) throw new Error(`The example "${name}" has no line "${line}"`);
  }
  const kept = until === undefined ? seed : seed.slice(0, seed.indexOf(until) + 1);
  return [...before, ...kept.map((line) => lines[line] ?? line), ...after, ""].join("\n");
}

/** Where a program keeps its state, and whom it talks to. */
export interface Surroundings {
  /** The working directory; the program is written there too. */
  directory: string;
  openai: OpenAIStandIn;
  /** `PG_CONNECTION_URI` or `TIMESTEP_PGLITE_PATH`. */
  database: Record<string, string>;
}

const configuration = new URL("../../deno.json", import.meta.url).pathname;
const observer = new URL("_observe.ts", import.meta.url).href;

/** Runs a program in a process of its own, with nothing in its environment but what it needs. */
export async function runProgram(
  program: string,
  { directory, openai, database }: Surroundings,
): Promise<Observed> {
  await Deno.writeTextFile(`${directory}/program.ts`, program);
  await Deno.writeTextFile(`${directory}/main.ts`, mainProgram);
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--config", configuration, `${directory}/main.ts`],
    cwd: directory,
    clearEnv: true,
    env: { ...inherited(), ...database, OPENAI_API_KEY: "test", OPENAI_BASE_URL: openai.url, NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  if (code !== 0) throw new Error(`The program ended with ${code}: ${decoder.decode(stderr)}`);
  return JSON.parse(decoder.decode(stdout).trim().split("\n").at(-1) ?? "");
}

const mainProgram = `
import { observe } from ${JSON.stringify(observer)};
const observed = observe();
try {
  await import("./program.ts");
} catch (error) {
  observed.error = { name: error.constructor.name, message: error.message };
}
console.log(JSON.stringify(observed));
`;

/** What Deno needs to find its cache. */
function inherited(): Record<string, string> {
  const names = [
    "PATH",
    "HOME",
    "DENO_DIR",
    "DENO_V8_FLAGS",
    "XDG_CACHE_HOME",
    "DENO_TLS_CA_STORE",
    "TMPDIR",
  ];
  return Object.fromEntries(names.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}
