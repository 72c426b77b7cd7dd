import type { Database } from "../database/database.ts";
import type { AgentCatalog } from "./agent_catalog.ts";
import type { Limits } from "./limits.ts";
import type { TurnLimitOf } from "./max_turns.ts";
import type { Principal } from "./principal.ts";
import type { RunWatcher } from "./responses/run_watcher.ts";

/** What all requests to one server share. What is heavy is loaded with the first request that needs it. */
export interface ServerContext {
  readonly agents: AgentCatalog;
  /** The agents that take functions from their callers. */
  readonly callerTools: ReadonlySet<string>;
  readonly maxTurnsOf: TurnLimitOf;
  readonly limits: Limits;
  /** Opens the database. */
  database(): Promise<Database>;
  /** The one that looks after the runs that are being read. */
  watcher(): Promise<RunWatcher>;
}

/** A request that was routed and whose sender is known. */
export interface Call {
  readonly context: ServerContext;
  readonly request: Request;
  readonly principal: Principal;
  readonly query: URLSearchParams;
  /** The ids in the path, in order. */
  readonly ids: readonly string[];
}
