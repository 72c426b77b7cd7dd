import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { allowBrowsers } from "../http/cors.ts";
import type { serveAgents } from "../http/mod.ts";
import type { ServeOptions } from "./serve_options.ts";
import { UsageError } from "./usage_error.ts";

/** Both functions, in this process. */
export interface LocalFunctions {
  /** Answers a request as Supabase would. */
  handle(request: Request): Promise<Response>;
  /** Hands over what is under way, and closes the database. */
  close(): Promise<void>;
}

/** How often pg_cron wakes a worker, in milliseconds. */
const TICK_MS = 10_000;
const ROUTE = /^\/functions\/v1\/(agents|worker)\//;

/**
 * Makes both functions, with a worker that is there all the time.
 *
 * @param options The agents, and the database.
 * @param key The service's key, which is in the environment already.
 * @throws {UsageError} When the agents can't be loaded.
 * @throws {DatabaseError} When the database can't be opened.
 */
export async function localFunctions(options: ServeOptions, key: string): Promise<LocalFunctions> {
  const { serveAgents, serveWorker } = await import("../http/mod.ts");
  const { configureDBOS, shutdownDBOS } = await import("../../mod.ts");
  const { workflowDatabase } = await import("../workflows/_database.ts");
  const agents = await loadAgents(options.agents);
  const scripted = Deno.env.get("OPENAI_API_KEY") ? {} : { modelProvider: await scriptedProvider() };
  configureDBOS({ ...(options.database ? { connectionString: options.database } : {}), ...scripted });
  const served = serve(options, () => serveAgents({ agents, callerTools: options.callerTools }));
  const worker = serveWorker({ agents, workMs: Infinity, idleMs: Infinity });
  // What is wrong with the database is known before anything is served.
  await workflowDatabase();
  const ticking = playCron(worker, key);
  return {
    async handle(request) {
      const { pathname } = new URL(request.url);
      const [, name] = ROUTE.exec(pathname) ?? [];
      if (name === "worker") return await worker(request);
      if (name === "agents" || request.method === "OPTIONS") return await served(request);
      return notFound(pathname);
    },
    async close() {
      clearInterval(ticking);
      await shutdownDBOS();
    },
  };
}

/** What pg_cron and pg_net do: also a worker that has failed is woken again. */
function playCron(worker: ReturnType<typeof serveAgents>, key: string): ReturnType<typeof setInterval> {
  const tick = () =>
    void worker(
      new Request("http://127.0.0.1/functions/v1/worker/v1/internal/tick", {
        method: "POST",
        headers: { apikey: key },
      }),
    );
  tick();
  return setInterval(tick, TICK_MS);
}

function notFound(path: string): Response {
  const message =
    `Nothing is served at ${path}. The functions are at /functions/v1/agents/v1 and /functions/v1/worker/v1.`;
  const error = { message, type: "invalid_request_error", param: null, code: "unknown_url" };
  const response = Response.json({ error }, { status: 404 });
  allowBrowsers(response.headers);
  return response;
}

/** What is wrong with the agents is for who wrote them, without a trace. @throws {UsageError} Instead of a `TypeError`. */
function serve<T>({ agents }: ServeOptions, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const why = error.message.replace(/^Cannot serve agents: /, "").replace(/\.$/, "");
    throw new UsageError(`Cannot serve the agents in "${agents}": ${why}`);
  }
}

async function loadAgents(path: string): Promise<Parameters<typeof serveAgents>[0]["agents"]> {
  const { href } = pathToFileURL(resolve(path));
  const module: { agents?: unknown } = await import(href).catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message.replace(/\.$/, "") : String(cause);
    throw new UsageError(`Cannot load the agents from "${path}": ${why}`);
  });
  // What is in the list is for serveAgents() to check.
  if (Array.isArray(module.agents)) return module.agents;
  throw new UsageError(`Cannot serve "${path}": it does not export a list "agents"`);
}

async function scriptedProvider() {
  const { setTracingDisabled } = await import("@openai/agents");
  const { ScriptedModel } = await import("./scripted_model.ts");
  // Traces go to OpenAI, with the key that there is not.
  setTracingDisabled(true);
  const model = new ScriptedModel();
  return { getModel: () => model };
}
