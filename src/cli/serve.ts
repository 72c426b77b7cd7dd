import process from "node:process";
import { ExitCode } from "./exit_code.ts";
import { reportFailure } from "./failure.ts";
import { localFunctions } from "./local_functions.ts";
import { parseServeOptions, type ServeOptions } from "./serve_options.ts";

const HELP =
  `Serves your agents on this machine, under the same paths as Supabase does, with nothing else installed:
http://127.0.0.1:PORT/functions/v1/agents/v1 for OpenAI's clients, and a worker that executes runs in the background.

Usage: timestep serve [options]

Options:
  --agents FILE     The module that exports the list "agents" (default: functions/_agents.ts)
  --port NUMBER     The port, 0 for a free one (default: 8000)
  --caller-tools NAME
                    An agent that takes functions from its callers; once for each such agent
  --database URI    postgresql://user:password@host/name, or pglite:DIRECTORY
                    (default: PG_CONNECTION_URI, SUPABASE_DB_URL, else PGlite)
  -h, --help        Show this help

Without OPENAI_API_KEY the answers come from a script, so that everything else can be tried.`;

/**
 * Serves agents until it is interrupted.
 *
 * @param args The arguments after `serve`.
 * @returns The exit code.
 * @throws {UsageError} When the arguments are wrong.
 */
export async function serve(args: readonly string[]): Promise<number> {
  const options = parseServeOptions(args);
  if (options.help) {
    console.log(HELP);
    return ExitCode.ok;
  }
  try {
    await serveFunctions(options);
    return ExitCode.ok;
  } catch (error) {
    return await reportFailure(error, options.port);
  }
}

async function serveFunctions(options: ServeOptions): Promise<void> {
  const functions = await localFunctions(options, ownKey());
  const stopped = new AbortController();
  const stop = () => {
    // Who can't wait until the runs are handed over does not have to.
    if (stopped.signal.aborted) Deno.exit(ExitCode.interrupted);
    stopped.abort();
  };
  // In Node's way: the Agents SDK ends the process at once when it sees nobody else who listens for a signal.
  for (const signal of SIGNALS) process.on(signal, stop);
  try {
    const server = Deno.serve({
      hostname: "127.0.0.1",
      port: options.port,
      // Readers of streams don't hold it up: they go on where they were when it is there again.
      signal: stopped.signal,
      onListen: ({ port }) => console.log(firstLines(port)),
    }, functions.handle);
    await server.finished;
  } finally {
    await functions.close();
    for (const signal of SIGNALS) process.off(signal, stop);
  }
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** The service's key: the one that the environment names, or a new one. */
function ownKey(): string {
  const known = Deno.env.get("SUPABASE_SERVICE_ROLE_KEY");
  if (known) return known;
  const key = `sb_secret_${crypto.randomUUID().replaceAll("-", "")}`;
  Deno.env.set("SUPABASE_SERVICE_ROLE_KEY", key);
  return key;
}

function firstLines(port: number): string {
  const key = Deno.env.get("SUPABASE_SERVICE_ROLE_KEY") ?? "";
  const url = `http://127.0.0.1:${port}/functions/v1/agents/v1`;
  const model = Deno.env.get("OPENAI_API_KEY")
    ? ""
    : "\nNo OPENAI_API_KEY is set: the answers come from a script.";
  return `URL ${url} key ${key}${model}

curl ${url}/responses -H "Authorization: Bearer ${key}" -H "Content-Type: application/json" \\
  -d '{"input": "What is the weather in Oakland?"}'`;
}
