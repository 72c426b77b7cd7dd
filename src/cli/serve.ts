import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { ExitCode } from "./exit_code.ts";
import { parseServeOptions, type ServeOptions } from "./serve_options.ts";
import { UsageError } from "./usage_error.ts";

const HELP =
  `Serves your agents on this machine, under the same paths as Supabase does, with nothing else installed:
http://127.0.0.1:PORT/functions/v1/agents/v1 for OpenAI's clients, and a worker that executes runs in the background.

Usage: timestep serve [options]

Options:
  --agents FILE     The module that exports the list "agents" (default: functions/_agents.ts)
  --port NUMBER     The port, 0 for a free one (default: 8000)
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
  const handler = await localFunctions(options, ownKey());
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: options.port,
    onListen: ({ port }) => console.log(firstLines(port)),
  }, handler.handle);
  const stop = () => void server.shutdown();
  Deno.addSignalListener("SIGINT", stop);
  Deno.addSignalListener("SIGTERM", stop);
  try {
    await server.finished;
  } finally {
    Deno.removeSignalListener("SIGINT", stop);
    Deno.removeSignalListener("SIGTERM", stop);
    await handler.close();
  }
  return ExitCode.ok;
}

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

interface LocalFunctions {
  handle(request: Request): Promise<Response>;
  close(): Promise<void>;
}

/** Both functions in one process. It is a worker all the time, which is more than pg_cron could see to. */
async function localFunctions(options: ServeOptions, key: string): Promise<LocalFunctions> {
  const { serveAgents, serveWorker } = await import("../http/mod.ts");
  const { configureDBOS, shutdownDBOS } = await import("../../mod.ts");
  const scripted = Deno.env.get("OPENAI_API_KEY") ? {} : { modelProvider: await scriptedProvider() };
  configureDBOS({ ...(options.database ? { connectionString: options.database } : {}), ...scripted });
  const agents = await loadAgents(options.agents);
  const served = serveAgents({ agents });
  const worker = serveWorker({ agents, workMs: Infinity, idleMs: Infinity });
  const handle = (request: Request): Promise<Response> => {
    const [, name] = /^\/functions\/v1\/(agents|worker)\//.exec(new URL(request.url).pathname) ?? [];
    return name === "worker" ? worker(request) : served(request);
  };
  const tick = new Request("http://127.0.0.1/functions/v1/worker/v1/internal/tick", {
    method: "POST",
    headers: { apikey: key },
  });
  await worker(tick);
  return { handle, close: shutdownDBOS };
}

async function loadAgents(
  path: string,
): Promise<Parameters<typeof import("../http/mod.ts").serveAgents>[0]["agents"]> {
  const { href } = pathToFileURL(resolve(path));
  const module: { agents?: unknown } = await import(href).catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`Cannot load the agents from "${path}": ${why}`);
  });
  // What is in the list is for serveAgents() to check.
  if (Array.isArray(module.agents)) return module.agents;
  throw new UsageError(`Cannot serve "${path}": it does not export a list "agents"`);
}

async function scriptedProvider() {
  const { ScriptedModel } = await import("./scripted_model.ts");
  const model = new ScriptedModel();
  return { getModel: () => model };
}
