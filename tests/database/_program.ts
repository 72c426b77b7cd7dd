/** A Deno program in a process of its own, for tests that need two, or kill one. */
export interface Program extends AsyncDisposable {
  /** Waits for the next line of its output; null at the end. */
  line(): Promise<string | null>;
  /** Kills it, at once and without a chance to tidy up. */
  kill(): Promise<void>;
  /** Waits for its end: the exit code and what it wrote to its error output. */
  ended(): Promise<{ code: number; errors: string }>;
}

const configuration = new URL("../../deno.json", import.meta.url);

/**
 * Starts a program.
 *
 * @param code TypeScript; `@timestep-ai/timestep` can be imported.
 * @param args Its arguments.
 * @param permissions Deno's permission flags; everything by default.
 */
export async function startProgram(
  code: string,
  args: readonly string[] = [],
  permissions: readonly string[] = ["-A"],
): Promise<Program> {
  const file = await Deno.makeTempFile({ prefix: "timestep-program-", suffix: ".ts" });
  await Deno.writeTextFile(file, code);
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      ...permissions,
      "--config",
      configuration.pathname,
      file,
      ...args,
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  const lines = linesOf(child.stdout);
  const errors = new Response(child.stderr).text();
  const ended = async () => {
    while (!(await lines.next()).done);
    return { code: (await child.status).code, errors: await errors };
  };
  const kill = async () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await ended();
  };
  return {
    line: async () => (await lines.next()).value ?? null,
    kill,
    ended,
    async [Symbol.asyncDispose]() {
      await kill();
      await Deno.remove(file);
    },
  };
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
  if (rest !== "") yield rest;
}
