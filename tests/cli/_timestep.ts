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
  const inherited = ["PATH", "HOME", "DENO_DIR", "NPM_CONFIG_REGISTRY"].flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  const main = new URL("../../src/cli/main.ts", import.meta.url).href;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--quiet", main, ...args],
    env: { ...Object.fromEntries(inherited), NO_COLOR: "1", ...env },
    clearEnv: true,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout), errors: decoder.decode(stderr) };
}
