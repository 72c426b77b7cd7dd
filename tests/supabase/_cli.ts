import { existsSync, renameSync } from "node:fs";
import { keptDirectory } from "../_in_memory.ts";

/** The version that the tests run: `--remote=postgresql://...` is the spelling of version 3. */
const VERSION = "3.1.0";

/** How the CLI ended, and what it said. */
export interface CliEnded {
  code: number;
  text: string;
}

/** Runs Supabase's own CLI with a project's folder, the one that has `supabase/` in it. */
export type SupabaseCli = (
  project: string,
  args: readonly string[],
  env?: Record<string, string>,
) => Promise<CliEnded>;

/**
 * Supabase's own CLI, from npm, kept between runs. Undefined where npm does not have it,
 * for example because there is no network.
 *
 * @throws {Error} When it is missing where nothing may be left out: with `CI` set.
 */
export async function supabaseCli(): Promise<SupabaseCli | undefined> {
  const folder = `${keptDirectory()}/timestep-supabase-cli-${VERSION}`;
  if (!existsSync(folder)) {
    const why = await install(folder);
    if (why !== undefined) {
      if (Deno.env.get("CI")) {
        throw new Error(`Cannot install Supabase's CLI, which CI must not leave out: ${why}`);
      }
      console.log(`Left out: what needs Supabase's CLI, as npm did not install it: ${why}`);
      return undefined;
    }
  }
  return async (project, args, env = {}) => {
    // It writes into the home directory.
    const home = await Deno.makeTempDir({ prefix: "timestep-supabase-home-" });
    try {
      return await run("node", [
        `${folder}/node_modules/supabase/dist/supabase.js`,
        ...args,
        "--workdir",
        project,
        "--yes",
      ], { HOME: home, DO_NOT_TRACK: "1", SUPABASE_TELEMETRY_DISABLED: "1", ...env });
    } finally {
      await Deno.remove(home, { recursive: true });
    }
  };
}

/** @returns Why it could not be installed; undefined when it is. */
async function install(folder: string): Promise<string | undefined> {
  const unfinished = await Deno.makeTempDir({ dir: keptDirectory(), prefix: "timestep-supabase-cli-" });
  try {
    const args = ["install", "--no-fund", "--no-audit", "--prefix", unfinished, `supabase@${VERSION}`];
    const { code, text } = await run("npm", args, {});
    if (code !== 0) return text.trim();
    renameSync(unfinished, folder);
    return undefined;
  } catch (error) {
    // Another process may have been faster.
    return existsSync(folder) ? undefined : String(error);
  } finally {
    await Deno.remove(unfinished, { recursive: true }).catch(() => {});
  }
}

async function run(program: string, args: readonly string[], env: Record<string, string>): Promise<CliEnded> {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
}
