import { TimestepError } from "../core/errors.ts";

/** Two different agents were registered under one name. */
export class AgentNameConflictError extends TimestepError {
  override readonly name = "AgentNameConflictError";
  readonly code = "agent_name_conflict";
}

/** A run belongs to an agent that this process has not registered. The run is left as it was. */
export class AgentNotRegisteredError extends TimestepError {
  override readonly name = "AgentNotRegisteredError";
  readonly code = "agent_not_registered";

  /** The name of the agent that is missing. */
  readonly agentName: string;

  /** @param agentName The name of the agent that is missing. */
  constructor(runId: string, agentName: string) {
    super(
      `Cannot execute run "${runId}": agent "${agentName}" is not registered in this process. ` +
        `Call registerAgent() with it; the run waits.`,
    );
    this.agentName = agentName;
  }
}

/** A run was created before under the same id, from something else. */
export class RunConflictError extends TimestepError {
  override readonly name = "RunConflictError";
  readonly code = "run_conflict";
}

/** There is no run of this id. */
export class RunNotFoundError extends TimestepError {
  override readonly name = "RunNotFoundError";
  readonly code = "run_not_found";
}

/** Another process has taken the run over, or it has ended; this one must stop, and has written nothing since. */
export class OwnershipLostError extends TimestepError {
  override readonly name = "OwnershipLostError";
  readonly code = "ownership_lost";
}

/** The execution was told to stop before the run's end. The run goes on where it was when it is executed again. */
export class ExecutionStoppedError extends TimestepError {
  override readonly name = "ExecutionStoppedError";
  readonly code = "execution_stopped";
}

/**
 * The model's provider said to come back later (429 with Retry-After). The run goes on where it was when it is
 * executed again.
 */
export class ModelRateLimitedError extends TimestepError {
  override readonly name = "ModelRateLimitedError";
  readonly code = "model_rate_limited";

  /** How long the provider said to wait, in milliseconds. */
  readonly retryAfterMs: number;

  /** @param retryAfterMs How long the provider said to wait, in milliseconds. */
  constructor(runId: string, retryAfterMs: number, options: ErrorOptions) {
    super(
      `Cannot go on with run "${runId}" now: the model's provider is limiting requests and asks to wait ` +
        `${retryAfterMs} ms.`,
      options,
    );
    this.retryAfterMs = retryAfterMs;
  }
}

/** The agent's code, or what it read, no longer fits what the run has recorded. */
export class RunDivergedError extends TimestepError {
  override readonly name = "RunDivergedError";
  readonly code = "run_diverged";
}

/** Something put a value into the run context that JSON cannot hold, so it could not be restored. */
export class ContextNotSerializableError extends TimestepError {
  override readonly name = "ContextNotSerializableError";
  readonly code = "context_not_serializable";
}

/** An agent has a tool whose effects cannot be recorded. */
export class UnsupportedToolError extends TimestepError {
  override readonly name = "UnsupportedToolError";
  readonly code = "unsupported_tool";
}

/** A tool call cannot be settled as asked. */
export class ToolCallNotSettledError extends TimestepError {
  override readonly name = "ToolCallNotSettledError";
  readonly code = "tool_call_not_settled";
}
