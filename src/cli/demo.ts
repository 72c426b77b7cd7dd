import process from "node:process";
import { type DemoOptions, parseDemoOptions } from "./demo_options.ts";
import { ExitCode } from "./exit_code.ts";

const HELP =
  `A conversation with two agents. Its last question needs an approval: the run is saved, the process exits,
and another process loads the run, asks you, and finishes it.

Usage: timestep demo [options]

Options:
  -y, --yes         Approve without asking
  --reject          Reject without asking
  --model NAME      gpt-4.1, ollama/gpt-oss:20b, ollama/gpt-oss:20b-cloud, ... or "scripted", which needs no key
                    (default: gpt-4.1 when OPENAI_API_KEY is set, else scripted)
  --database URI    postgresql://user:password@host/name, or pglite:DIRECTORY
                    (default: PG_CONNECTION_URI, SUPABASE_DB_URL, a PGlite at TIMESTEP_PGLITE_PATH,
                    else a temporary PGlite that is removed at the end)
  -h, --help        Show this help

Exit codes: 0 finished, 1 failed, 2 wrong command line, 3 the run is saved and waits for an answer`;

/**
 * Gives the demo: one process begins a conversation, another finishes it.
 *
 * @param args The arguments after `demo`.
 * @returns The exit code.
 * @throws {UsageError} When the arguments are wrong.
 */
export async function demo(args: readonly string[]): Promise<number> {
  const options = parseDemoOptions(args);
  if (options.help) {
    console.log(HELP);
    return ExitCode.ok;
  }
  const temporary = isDatabaseConfigured(options)
    ? null
    : await Deno.makeTempDir({ prefix: "timestep-demo-" });
  const passed = temporary ? [...args, "--database", `pglite:${temporary}`] : [...args];
  let ended: DemoEnd = { code: ExitCode.failed, isWaiting: false };
  try {
    ended = await runProcesses(passed);
  } finally {
    // A run that waits is kept: that is what all this is about.
    if (temporary && !ended.isWaiting) await Deno.remove(temporary, { recursive: true });
  }
  if (ended.isWaiting) console.log(whatNow(temporary));
  return ended.code;
}

/** How the last process ended, and whether the run is still there to be finished. */
interface DemoEnd {
  code: number;
  isWaiting: boolean;
}

/** The two processes, one after the other; the second only when the first leaves something to decide. */
async function runProcesses(args: readonly string[]): Promise<DemoEnd> {
  const begun = await runProcess("begin", args);
  if (begun.code !== ExitCode.waiting) return { code: begun.code, isWaiting: false };
  // It was through already when Ctrl-C came.
  if (begun.isInterrupted) return { code: ExitCode.interrupted, isWaiting: true };
  const { code } = await runProcess("finish", args);
  // Neither finished nor failed: nobody answered, or somebody stopped it.
  return { code, isWaiting: code !== ExitCode.ok && code !== ExitCode.failed };
}

/** How one process ended, and whether Ctrl-C was pressed meanwhile. */
interface ProcessEnd {
  code: number;
  isInterrupted: boolean;
}

/** Runs one part of the demo as a process of its own, which reads and writes the same terminal. */
async function runProcess(part: "begin" | "finish", args: readonly string[]): Promise<ProcessEnd> {
  const script = new URL("./demo_process.ts", import.meta.url).href;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--quiet", script, part, ...args],
  }).spawn();
  // Ctrl-C reaches the child as well; this process waits for its end to tidy up. What ends this one alone is passed on.
  let isInterrupted = false;
  const note = () => isInterrupted = true;
  const pass = () => child.kill("SIGTERM");
  process.on("SIGINT", note);
  process.on("SIGTERM", pass);
  try {
    console.log(
      `\n--- Process ${child.pid} ${part === "begin" ? "begins the conversation" : "loads the run"} ---\n`,
    );
    const { code, signal } = await child.status;
    const how = signal ? `was stopped by ${signal}` : "exits";
    console.log(
      `\n--- Process ${child.pid} ${how}${
        code === ExitCode.waiting ? "; the run is in the database" : ""
      } ---`,
    );
    return { code: signal === "SIGINT" ? ExitCode.interrupted : code, isInterrupted };
  } finally {
    process.off("SIGINT", note);
    process.off("SIGTERM", pass);
  }
}

/** Whether there is a database that outlives a process: the second one would not find one in memory. */
function isDatabaseConfigured({ database }: DemoOptions): boolean {
  const uri = database ?? (Deno.env.get("PG_CONNECTION_URI") || Deno.env.get("SUPABASE_DB_URL") || null);
  return uri === null ? Boolean(Deno.env.get("TIMESTEP_PGLITE_PATH")) : uri !== "pglite:memory";
}

function whatNow(temporary: string | null): string {
  // Where the database was named, it is not named again: the URI may hold a password.
  const where = temporary ? `--database pglite:${temporary} ` : "the same options and ";
  return `\nNobody answered, so the run waits. Start the demo again with ${where}--yes or --reject.`;
}
