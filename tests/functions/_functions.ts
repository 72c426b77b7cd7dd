import type { DenoProgram } from "../_deno_2_1.ts";

const root = new URL("../../", import.meta.url);

/** What DBOS would like to have for telemetry, and does without. */
const OPTIONAL: readonly string[] = ["@opentelemetry/*", "winston", "winston-transport"];

/** A function as one would deploy it. */
export interface Bundle extends AsyncDisposable {
  /** Its files, by name; the first is index.js. */
  readonly files: ReadonlyMap<string, string>;
  /** The file to start. */
  readonly entry: string;
}

/** Bundles a function, minified. */
export async function bundle(name: string): Promise<Bundle> {
  const directory = await Deno.makeTempDir({ prefix: "timestep-bundle-" });
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    // --external takes all that follows it.
    args: ["bundle", "--quiet", "--minify", "--platform", "deno", "--code-splitting"]
      .concat(OPTIONAL.flatMap((module) => ["--external", module]))
      .concat("--outdir", directory, new URL(`functions/${name}/index.ts`, root).pathname),
    cwd: root,
    stdout: "null",
    stderr: "piped",
  }).output();
  if (code !== 0) throw new Error(`Cannot bundle ${name}: ${new TextDecoder().decode(stderr)}`);
  const files = new Map<string, string>();
  for await (const file of Deno.readDir(directory)) {
    files.set(file.name, await Deno.readTextFile(`${directory}/${file.name}`));
  }
  return {
    files,
    entry: `${directory}/index.js`,
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}

/** A function that is served by a process of its own. */
export interface ServedFunction extends AsyncDisposable {
  /** Where, without a path. */
  readonly origin: string;
}

/** Starts a function's file, as it is or bundled. */
export async function startFunction(
  { program, config, env: variables }: DenoProgram,
  entry: string,
  env: Record<string, string>,
): Promise<ServedFunction> {
  const start = new URL("_start.ts", import.meta.url).pathname;
  const child = new Deno.Command(program, {
    args: ["run", "-A", "--no-check", "--quiet", "--config", config, start, entry],
    // Nothing of this process's, but what programs cannot do without.
    clearEnv: true,
    env: { PATH: Deno.env.get("PATH") ?? "", HOME: Deno.env.get("HOME") ?? "", ...variables, ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await lines.read();
  if (value === undefined) throw new Error(`The function in ${entry} did not start`);
  return {
    origin: `http://127.0.0.1:${Number(value)}`,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await lines.cancel();
      await child.status;
    },
  };
}
