import type { AnyAgent } from "../run/types.ts";
import { sleep } from "../durable/sleep.ts";
import { AgentCatalog, type LazyAgent } from "./agent_catalog.ts";
import { ApiError, errorResponse, methodNotAllowed } from "./api_error.ts";
import { type Authenticate, environmentAuthenticator } from "./authenticate.ts";
import { checkedPrincipal } from "./_checked_principal.ts";
import { openConfiguredDatabase } from "./_configured_database.ts";
import { keepAliveFor, onShutdown } from "./_edge_runtime.ts";

/** What a worker executes. */
export interface ServeWorkerOptions {
  /** The agents whose runs are executed: the same as are served. */
  agents: readonly (AnyAgent | LazyAgent)[];
  /** Where runs are kept. Default: as `configureDBOS()` was told, or `openDatabase()` finds it. */
  connectionString?: string;
  /** Tells who is calling: only the scheduler and the service itself may. Default: by their keys in the environment. */
  authenticate?: Authenticate;
  /**
   * How long to work once woken, in milliseconds: less than what the platform lets a function live (Supabase: 150 s,
   * paid 400 s). What is not done by then is handed over to the next. @default {120000}
   */
  workMs?: number;
  /** How long to stay awake with nothing to do, in milliseconds. @default {5000} */
  idleMs?: number;
}

const TICK_PATH = /\/internal\/tick\/?$/;

/** How often a worker looks whether it is still needed, in milliseconds. */
const LOOK_MS = 1000;

/**
 * Serves a worker: `POST .../internal/tick` wakes it. It answers at once, then executes the runs that wait, and what
 * dead processes have left behind, until there is nothing to do or its time is over.
 *
 * @param options The agents.
 * @returns A handler for `Deno.serve()`.
 */
export function serveWorker(options: ServeWorkerOptions): (request: Request) => Promise<Response> {
  const agents = new AgentCatalog(options.agents);
  const database = () => openConfiguredDatabase(options.connectionString);
  const authenticate = options.authenticate ?? environmentAuthenticator(database);
  let working: Promise<void> | undefined;
  let isWanted = false;
  return async (request) => {
    const requestId = `req_${crypto.randomUUID().replaceAll("-", "")}`;
    const response = await answer(request).catch((error) => errorResponse(error, requestId));
    response.headers.set("x-request-id", requestId);
    return response;
  };

  async function answer(request: Request): Promise<Response> {
    const { kind } = checkedPrincipal(await authenticate(request));
    const { pathname } = new URL(request.url);
    if (!TICK_PATH.test(pathname)) {
      throw new ApiError(404, `Nothing is served at ${request.method} ${pathname}.`, { code: "unknown_url" });
    }
    if (request.method !== "POST") throw methodNotAllowed(request, ["POST"]);
    if (kind !== "cron" && kind !== "service") {
      throw new ApiError(403, "Only the scheduler's key wakes workers.");
    }
    isWanted = true;
    const underway = working ??= workWhileWanted()
      .catch((error) => console.error("The worker failed; it is woken again with the next tick:", error))
      .finally(() => working = undefined);
    keepAliveFor(() => underway);
    return Response.json({ status: "working" }, { status: 202 });
  }

  /** Who wakes a worker that is about to stop would wait for nothing otherwise. */
  async function workWhileWanted(): Promise<void> {
    while (isWanted) await work(agents, database, options, () => isWanted = false);
  }
}

/** @param stopping Called when nothing more is begun. */
async function work(
  agents: AgentCatalog,
  open: () => ReturnType<typeof openConfiguredDatabase>,
  { workMs = 120_000, idleMs = 5000 }: ServeWorkerOptions,
  stopping: () => void,
): Promise<void> {
  const deadline = Date.now() + workMs;
  const { launch } = await import("./responses/start_response.ts");
  const { handOver } = await import("../workflows/launch_dbos.ts");
  await launch(agents);
  const { registeredAgentNames } = await import("../durable/registry.ts");
  const database = await open();
  const shutdown = new AbortController();
  const forget = onShutdown(() => shutdown.abort());
  try {
    let busyAt = Date.now();
    while (Date.now() < deadline && Date.now() - busyAt < idleMs && !shutdown.signal.aborted) {
      await sleep(LOOK_MS, shutdown.signal);
      const [row] = await database.query(
        // Not whether one exists: if not, all runs there ever were might be looked through for it.
        `select bool_or(agent_name = any($1)) as busy from timestep.runs
         where finished_at is null and status in ('queued', 'running') and workflow_id is not null`,
        [registeredAgentNames()],
      );
      if (row?.["busy"] === true) busyAt = Date.now();
    }
  } finally {
    stopping();
    forget();
    await handOver({ deadline: new Date() });
  }
}
