/** How a program ended. */
export interface Ended {
  code: number;
  /** What it wrote, output and errors mixed, without colours. */
  text: string;
}

/** How to run a program. */
export interface ChildOptions {
  /** Variables added to this process's environment. */
  env?: Record<string, string>;
  /** Also show what it writes, as it comes. */
  show?: boolean;
  /** Where it runs; by default in the repository's root. */
  cwd?: URL;
}

const ROOT = new URL("../", import.meta.url);

// deno-lint-ignore no-control-regex -- colours are control sequences
const COLOURS = /\x1b\[[0-9;]*m/g;

/**
 * Runs this Deno with arguments to its end, as {@linkcode runProgram} does.
 *
 * @returns How it ended and what it wrote.
 */
export async function deno(args: readonly string[], options: ChildOptions = {}): Promise<Ended> {
  return await runProgram(Deno.execPath(), args, options);
}

/**
 * Runs a program to its end. A signal that would end this process ends the child first, and then rejects, so that a
 * caller's `finally` runs.
 *
 * @returns How it ended and what it wrote.
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  { env = {}, show = false, cwd = ROOT }: ChildOptions = {},
): Promise<Ended> {
  const child = new Deno.Command(program, {
    args: [...args],
    cwd,
    env: show && Deno.stdout.isTerminal() ? { FORCE_COLOR: "1", ...env } : { NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let insist: ReturnType<typeof setTimeout> | undefined;
  const stop = () => {
    child.kill("SIGTERM");
    insist ??= setTimeout(() => child.kill("SIGKILL"), 5000);
  };
  for (const signal of SIGNALS) Deno.addSignalListener(signal, stop);
  try {
    const parts: string[] = [];
    await Promise.all([
      read(child.stdout, parts, show ? Deno.stdout : null),
      read(child.stderr, parts, show ? Deno.stderr : null),
    ]);
    const { code } = await child.status;
    if (insist !== undefined) throw new Error("Stopped by a signal");
    return { code, text: parts.join("").replaceAll(COLOURS, "") };
  } finally {
    clearTimeout(insist);
    for (const signal of SIGNALS) Deno.removeSignalListener(signal, stop);
  }
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

async function read(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  parts: string[],
  copy: { write(bytes: Uint8Array): Promise<number> } | null,
): Promise<void> {
  const decoder = new TextDecoder();
  for await (const bytes of stream) {
    parts.push(decoder.decode(bytes, { stream: true }));
    await copy?.write(bytes);
  }
}
