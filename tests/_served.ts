/** A server in a process of its own. */
export interface Served extends AsyncDisposable {
  /** Without a path. */
  readonly origin: string;
}

/**
 * Starts a program that prints its port.
 *
 * @param args Those of Deno: `run`, its flags, the program and its arguments.
 * @param env Variables added to this process's.
 * @param options Which Deno, by default this one, and whether it gets `env` alone.
 */
export async function serve(
  args: readonly string[],
  env: Record<string, string> = {},
  { program = Deno.execPath(), clearEnv = false }: { program?: string; clearEnv?: boolean } = {},
): Promise<Served> {
  const child = new Deno.Command(program, {
    args: [...args],
    clearEnv,
    env: { OPENAI_AGENTS_DISABLE_TRACING: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await lines.read();
  if (value === undefined) throw new Error(`The server did not start: deno ${args.join(" ")}`);
  return {
    origin: `http://127.0.0.1:${Number(value)}`,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await lines.cancel();
      await child.status;
    },
  };
}
