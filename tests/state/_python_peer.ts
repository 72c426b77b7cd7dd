import { z } from "zod";

/** The Python of the virtual environment. */
export const PYTHON = new URL("../../python/.venv/bin/python", import.meta.url);

/** Whether there is the virtual environment that `deno task test` makes. */
export function isPythonThere(): boolean {
  try {
    return Deno.statSync(PYTHON).isFile;
  } catch {
    return false;
  }
}

const request = z.object({ input: z.array(z.record(z.string(), z.unknown())) }).loose();
/** What happens from a pause on. */
const rest = z.object({
  finalOutput: z.unknown(),
  executed: z.array(z.string()),
  requests: z.array(request),
  usage: z.record(z.string(), z.number()),
  session: z.array(z.unknown()).nullable(),
});
/** One of: it is refused; one language can't even begin it; it was done. */
const answers = z.object({
  error: z.string().optional(),
  refused: z.string().optional(),
  path: z.string().optional(),
  unrunnable: z.string().optional(),
  state: z.string().optional(),
  modelCalls: z.number().optional(),
  session: z.array(z.unknown()).nullish(),
  rest: rest.optional(),
}).strict();

export type Rest = z.output<typeof rest>;
export type Answer = z.output<typeof answers>;

/** A Python process that plays its part of conversations, one after the other. */
export class PythonPeer {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: AsyncIterator<string>;

  constructor() {
    this.#child = new Deno.Command(PYTHON.pathname, {
      args: ["../tests/state/python_peer.py"],
      cwd: new URL("../../python/", import.meta.url),
      env: { OPENAI_AGENTS_DISABLE_TRACING: "1", PYTHONDONTWRITEBYTECODE: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#lines = lines(this.#child.stdout);
  }

  /** Asks for one thing; `error` is never an answer that a test may take. */
  async ask(task: "begin" | "resume" | "keep", what: Record<string, unknown>): Promise<Answer> {
    await this.#writer.write(new TextEncoder().encode(`${JSON.stringify({ task, ...what })}\n`));
    const { value } = await this.#lines.next();
    const answer = answers.parse(JSON.parse(value ?? '{"error":"Python has ended"}'));
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close();
    await this.#lines.return?.();
    await this.#child.status;
  }
}

async function* lines(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
}
