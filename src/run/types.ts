import type { AgentInputItem, RunResult, RunState, StreamedRunResult } from "../core/package_types.ts";
import type { AnyAgent } from "../agents/any_agent.ts";

export type { AnyAgent };

/** What a run starts from: a text, items, or the state of a run that was interrupted. */
export type RunAgentInput<TContext, TAgent extends AnyAgent> =
  | string
  | AgentInputItem[]
  | RunState<TContext, TAgent>;

/** What a run gives: a `StreamedRunResult` when it streams, else a `RunResult`. */
export type RunAgentResult<TContext, TAgent extends AnyAgent, TStream extends boolean> = TStream extends true
  ? StreamedRunResult<TContext, TAgent>
  : RunResult<TContext, TAgent>;

/** Receives the result of a run, still streaming when it streams; what it returns is what the caller of the run gets. */
export type ResultProcessor<TContext, TAgent extends AnyAgent, TStream extends boolean, TProcessed> = (
  result: RunAgentResult<TContext, TAgent, TStream>,
) => TProcessed | Promise<TProcessed>;

/** What every result of a run has, whatever its agent and whether it streams. */
export type AnyRunResult = Pick<RunResult<undefined, AnyAgent>, "history" | "newItems" | "rawResponses">;
