/**
 * Durable agents over HTTP, for any client of OpenAI's Responses API. This entry point loads neither the Agents SDK
 * nor a database before a request needs them.
 *
 * @example
 * ```ts ignore
 * import { serveAgents } from "@timestep-ai/timestep/http";
 *
 * Deno.serve(serveAgents({
 *   agents: [{ name: "Assistant", load: loadAssistant }], // A function that imports its module.
 * }));
 * ```
 *
 * @module
 */

export type { LazyAgent } from "./agent_catalog.ts";
export { ApiError } from "./api_error.ts";
export type { ApiErrorOptions } from "./api_error.ts";
export { authenticator } from "./authenticate.ts";
export type { Authenticate, AuthenticatorOptions } from "./authenticate.ts";
export { proofsFromEnvironment } from "./authentication_options.ts";
export type { EnvironmentProofs } from "./authentication_options.ts";
export { DEFAULT_LIMITS } from "./limits.ts";
export type { Limits } from "./limits.ts";
export type { MaxTurns } from "./max_turns.ts";
export type { JwtOptions } from "./_verify_jwt.ts";
export type { Database, Parameter, Queryable, Row, Transaction } from "../database/database.ts";
export type { AnyAgent } from "../run/types.ts";
export type {
  ApiKeyPrincipal,
  CronPrincipal,
  Principal,
  ServicePrincipal,
  UserPrincipal,
} from "./principal.ts";
export { serveAgents } from "./serve_agents.ts";
export type { ServeAgentsOptions } from "./serve_agents.ts";
export { serveWorker } from "./serve_worker.ts";
export type { ServeWorkerOptions } from "./serve_worker.ts";
