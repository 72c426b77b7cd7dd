import type { DenoProgram } from "../_deno_2_1.ts";
import { serve, type Served } from "../_served.ts";

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

/** Starts a function's file, as it is or bundled. */
export function startFunction(
  { program, config, env: variables }: DenoProgram,
  entry: string,
  env: Record<string, string>,
): Promise<Served> {
  const start = new URL("_start.ts", import.meta.url).pathname;
  // Nothing of this process's, but what programs cannot do without.
  const needed = { PATH: Deno.env.get("PATH") ?? "", HOME: Deno.env.get("HOME") ?? "" };
  return serve(
    ["run", "-A", "--no-check", "--quiet", "--config", config, start, entry],
    { ...needed, ...variables, ...env },
    { program, clearEnv: true },
  );
}
