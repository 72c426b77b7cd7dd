/** How the command ended. */
export interface Ended {
  code: number;
  output: string;
  errors: string;
}

/** Where to run the command. */
export interface Surroundings {
  /** What is typed; the end of the input follows. */
  input?: string;
  /** Its environment, beside what Deno itself needs: nothing of this process's is inherited. */
  env?: Record<string, string>;
}

/** Runs `timestep` as a process of its own. */
export async function timestep(
  args: readonly string[],
  { input = "", env = {} }: Surroundings = {},
): Promise<Ended> {
  const { stdin, stdout, stderr, status } = startTimestep(args, env);
  const writer = stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const [output, errors] = await Promise.all([new Response(stdout).text(), new Response(stderr).text()]);
  return { code: (await status).code, output, errors };
}

/** Starts `timestep` as a process of its own; what it reads and writes is piped. */
export function startTimestep(
  args: readonly string[],
  env: Record<string, string> = {},
): Deno.ChildProcess {
  const names = ["PATH", "HOME", "DENO_DIR", "DENO_V8_FLAGS", "NPM_CONFIG_REGISTRY", "TMPDIR"];
  const inherited = names.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  const main = new URL("../../src/cli/main.ts", import.meta.url).href;
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--quiet", main, ...args],
    env: { ...Object.fromEntries(inherited), NO_COLOR: "1", ...env },
    clearEnv: true,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}
