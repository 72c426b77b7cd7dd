/**
 * Deno 2.1.4, at whose level Supabase's edge runtime is, from npm.
 *
 * @module
 */

const VERSION = "2.1.4";
const PRINT = "console.log(Deno.version.deno, Deno.execPath())";

/** It asks npm again for what it did not find there; where a proxy answers, only the system knows its authority. */
const ENVIRONMENT = { DENO_TLS_CA_STORE: Deno.env.get("DENO_TLS_CA_STORE") ?? "mozilla,system" };

const root = new URL("../", import.meta.url);

/** A Deno, to run this repository's code with. */
export interface DenoProgram extends AsyncDisposable {
  /** Its path. */
  readonly program: string;
  /** The configuration to give it, with `--config`. */
  readonly config: string;
  /** What to put into its environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** The one that runs this. */
export function thisDeno(): DenoProgram {
  return {
    program: Deno.execPath(),
    config: new URL("deno.json", root).pathname,
    env: {},
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/**
 * Deno 2.1, by npx, which fetches it the first time.
 *
 * @returns null where it can't be had, which is said, and which CI does not put up with.
 */
export async function deno21(): Promise<DenoProgram | null> {
  const program = await (found ??= locate());
  if (program !== null) return { program, env: ENVIRONMENT, ...await makeConfig() };
  if (Deno.env.get("CI")) {
    throw new Error(`Cannot get Deno ${VERSION} or its packages from npm, and CI must not do without`);
  }
  console.log(`Left out: Deno ${VERSION} or its packages can't be got from npm`);
  return null;
}

let found: Promise<string | null> | undefined;

async function locate(): Promise<string | null> {
  try {
    const { success, stdout } = await new Deno.Command("npx", {
      args: ["-y", `deno@${VERSION}`, "eval", "--no-config", "--no-lock", PRINT],
      // Where there is no network that shall be found out soon.
      env: { ["npm_config_fetch_retries"]: "0", ["npm_config_fetch_timeout"]: "60000" },
      stderr: "null",
    }).output();
    const [version, path] = new TextDecoder().decode(stdout).trim().split(" ");
    return success && version === VERSION && path !== undefined && await canLoad(path) ? path : null;
  } catch {
    return null;
  }
}

/** Whether it can load everything that it is to run: its packages too come from npm. */
async function canLoad(program: string): Promise<boolean> {
  await using made = await makeConfig();
  const { success } = await new Deno.Command(program, {
    args: ["cache", "--quiet", "--config", made.config, ...LOADED],
    cwd: root,
    env: ENVIRONMENT,
    stdout: "null",
    stderr: "null",
  }).output();
  return success;
}

// Between them they import all packages.
const LOADED = ["mod.ts", "src/http/mod.ts", "tests/http/ai_sdk_test.ts", "tests/http/supabase_js_test.ts"];

/** Writes this repository's configuration as it understands it: the same imports, without lock file and links. */
async function makeConfig(): Promise<Omit<DenoProgram, "program" | "env">> {
  const { imports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
  const directory = await Deno.makeTempDir({ prefix: "timestep-deno-2.1-" });
  const absolute = Object.entries(imports).map(([name, target]) => {
    const text = String(target);
    return [name, text.startsWith("./") ? new URL(text, root).href : text];
  });
  const config = {
    imports: {
      ...Object.fromEntries(absolute),
      "@std/assert": new URL("tests/std_assert/mod.ts", root).href,
    },
    lock: false,
  };
  const path = `${directory}/deno.json`;
  await Deno.writeTextFile(path, JSON.stringify(config));
  return { config: path, [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }) };
}
