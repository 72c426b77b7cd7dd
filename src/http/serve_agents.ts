import type { AnyAgent } from "../run/types.ts";
import type { ServerContext } from "./_context.ts";
import { AgentCatalog, type LazyAgent } from "./agent_catalog.ts";
import { ApiError, errorResponse } from "./api_error.ts";
import { type Authenticate, environmentAuthenticator } from "./authenticate.ts";
import { checkedPrincipal } from "./_checked_principal.ts";
import { openConfiguredDatabase } from "./_configured_database.ts";
import { allowBrowsers, preflight } from "./cors.ts";
import { type Limits, RequestCounter, withDefaults } from "./limits.ts";
import { type MaxTurns, turnLimits } from "./max_turns.ts";
import type { RunWatcher } from "./responses/run_watcher.ts";
import { lazily } from "./_lazily.ts";
import { route } from "./_router.ts";

/** What is served, to whom. */
export interface ServeAgentsOptions {
  /** The agents. Callers name them as the `model`. */
  agents: readonly (AnyAgent | LazyAgent)[];
  /** Where runs are kept. Default: as `configureDBOS()` was told, or `openDatabase()` finds it. */
  connectionString?: string;
  /** Tells who is calling. Default: Supabase's keys and tokens, and our own API keys; see {@linkcode proofsFromEnvironment}. */
  authenticate?: Authenticate;
  /**
   * The names of those agents that take functions from their callers: `tools` of type `function` in a request. The
   * model may call them beside the agent's own tools; the run waits for the caller to say what came of the call.
   * Default: none, and a request that offers functions is refused. A caller who offers one has a say in what the
   * model is told and sees what it passes on, which output guardrails do not look at.
   */
  callerTools?: readonly string[];
  /**
   * How many times a run may ask its model, for all agents or by their names; `null`: as often as it likes. A response
   * whose run would have gone on is `incomplete`, with the reason `max_turns`. Default: 10, as the Agents SDK has it.
   */
  maxTurns?: MaxTurns;
  /** What is accepted of callers, where it differs from {@linkcode DEFAULT_LIMITS}. */
  limits?: Partial<Limits>;
}

/**
 * Serves durable agents to every client of OpenAI's Responses API: with an agent's name as the model, and the
 * address of this handler, up to `/v1`, as the base URL.
 *
 * @param options The agents.
 * @returns A handler for `Deno.serve()`, Hono and anything else that hands on requests.
 * @throws {TypeError} When there are no agents, two of one name, or `callerTools` or `maxTurns` names another one.
 * @throws {RangeError} When a limit is no positive number.
 *
 * @example
 * ```ts
 * import { Agent } from "@openai/agents";
 * import { serveAgents } from "@timestep-ai/timestep";
 *
 * const assistant = new Agent({ name: "Assistant", instructions: "Be brief." });
 * const handler = serveAgents({ agents: [assistant] });
 * const response = await handler(new Request("http://localhost/v1/models"));
 * console.log(response.status); // 401: nobody is signed in.
 * ```
 */
export function serveAgents(options: ServeAgentsOptions): (request: Request) => Promise<Response> {
  const limits = withDefaults(options.limits ?? {});
  const context = serverContext(options, limits);
  const counter = new RequestCounter(limits.requestsPerMinute);
  const authenticate = options.authenticate ?? environmentAuthenticator(context.database);
  return async (request) => {
    if (request.method === "OPTIONS") return preflight(request);
    const requestId = `req_${crypto.randomUUID().replaceAll("-", "")}`;
    const response = await answer(request).catch((error) => errorResponse(error, requestId));
    response.headers.set("x-request-id", requestId);
    allowBrowsers(response.headers);
    return response;
  };

  async function answer(request: Request): Promise<Response> {
    const principal = checkedPrincipal(await authenticate(request));
    const { handle } = route(request);
    if (principal.kind === "cron") {
      throw new ApiError(403, "The scheduler's key wakes workers and does nothing else.");
    }
    counter.count(principal, Date.now());
    return await handle(context, principal);
  }
}

const runWatcher = lazily(() => import("./responses/run_watcher.ts"));

function serverContext(
  { agents, connectionString, callerTools = [], maxTurns }: ServeAgentsOptions,
  limits: Limits,
): ServerContext {
  let watcher: { of: unknown; is: RunWatcher } | undefined;
  const catalog = new AgentCatalog(agents);
  const unknown = callerTools.find((name) => !catalog.names.includes(name));
  if (unknown !== undefined) {
    throw new TypeError(`Cannot serve agents: callerTools names "${unknown}", which is not among them.`);
  }
  const database = () => openConfiguredDatabase(connectionString);
  return {
    agents: catalog,
    callerTools: new Set(callerTools),
    maxTurnsOf: turnLimits(maxTurns, catalog.names),
    limits,
    database,
    async watcher() {
      const opened = await database();
      const { RunWatcher } = await runWatcher();
      if (watcher?.of !== opened) watcher = { of: opened, is: new RunWatcher(opened) };
      return watcher.is;
    },
  };
}
