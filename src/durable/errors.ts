import { TimestepError } from "../core/errors.ts";

/** Two different agents were registered under one name. */
export class AgentNameConflictError extends TimestepError {
  /** The class's name. */
  override readonly name = "AgentNameConflictError";
  /** The condition, for programs to compare. */
  readonly code = "agent_name_conflict";
}

/** A run belongs to an agent that this process has not registered. The run is left as it was. */
export class AgentNotRegisteredError extends TimestepError {
  /** The class's name. */
  override readonly name = "AgentNotRegisteredError";
  /** The condition, for programs to compare. */
  readonly code = "agent_not_registered";

  /** The name of the agent that is missing. */
  readonly agentName: string;

  /** Says which run waits for which agent; in which language, if a process of that has begun this part of it. */
  constructor(runId: string, agentName: string, begunIn?: string, options?: ErrorOptions) {
    super(
      begunIn === undefined
        ? `Cannot execute run "${runId}": agent "${agentName}" is not registered in this process. ` +
          `Call registerAgent() with it; the run waits.`
        : `Cannot execute run "${runId}": a process in ${begunIn} has begun this part of it or saved its pause, and ` +
          `only such a process can go on with it. Start one that registers agent "${agentName}"; the run waits.`,
      options,
    );
    this.agentName = agentName;
  }
}

/** A run was created before under the same id, from something else. */
export class RunConflictError extends TimestepError {
  /** The class's name. */
  override readonly name = "RunConflictError";
  /** The condition, for programs to compare. */
  readonly code = "run_conflict";
}

/** There is no run of this id. */
export class RunNotFoundError extends TimestepError {
  /** The class's name. */
  override readonly name = "RunNotFoundError";
  /** The condition, for programs to compare. */
  readonly code = "run_not_found";
}

/** Another process has taken the run over, or it has ended; this one must stop, and has written nothing since. */
export class OwnershipLostError extends TimestepError {
  /** The class's name. */
  override readonly name = "OwnershipLostError";
  /** The condition, for programs to compare. */
  readonly code = "ownership_lost";
}

/** The execution was told to stop before the run's end. The run goes on where it was when it is executed again. */
export class ExecutionStoppedError extends TimestepError {
  /** The class's name. */
  override readonly name = "ExecutionStoppedError";
  /** The condition, for programs to compare. */
  readonly code = "execution_stopped";
}

/**
 * The model's provider said to come back later (429 with Retry-After). The run goes on where it was when it is
 * executed again.
 */
export class ModelRateLimitedError extends TimestepError {
  /** The class's name. */
  override readonly name = "ModelRateLimitedError";
  /** The condition, for programs to compare. */
  readonly code = "model_rate_limited";

  /** How long the provider said to wait, in milliseconds. */
  readonly retryAfterMs: number;

  /** Says which run waits, and for how long. */
  constructor(runId: string, retryAfterMs: number, options: ErrorOptions) {
    super(
      `Cannot go on with run "${runId}" now: the model's provider is limiting requests and asks to wait ` +
        `${retryAfterMs} ms.`,
      options,
    );
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * MCP servers of the run's agent could not be asked for their tools. The run goes on where it was when it is executed
 * again.
 */
export class ToolsUnavailableError extends TimestepError {
  /** The class's name. */
  override readonly name = "ToolsUnavailableError";
  /** The condition, for programs to compare. */
  readonly code = "tools_unavailable";
}

/** The agent's code, or what it read, no longer fits what the run has recorded. */
export class RunDivergedError extends TimestepError {
  /** The class's name. */
  override readonly name = "RunDivergedError";
  /** The condition, for programs to compare. */
  readonly code = "run_diverged";
}

/** Something put a value into the run context that JSON cannot hold, so it could not be restored. */
export class ContextNotSerializableError extends TimestepError {
  /** The class's name. */
  override readonly name = "ContextNotSerializableError";
  /** The condition, for programs to compare. */
  readonly code = "context_not_serializable";
}

/** An agent has a tool whose effects cannot be recorded. */
export class UnsupportedToolError extends TimestepError {
  /** The class's name. */
  override readonly name = "UnsupportedToolError";
  /** The condition, for programs to compare. */
  readonly code = "unsupported_tool";
}

/** A tool call cannot be settled as asked. */
export class ToolCallNotSettledError extends TimestepError {
  /** The class's name. */
  override readonly name = "ToolCallNotSettledError";
  /** The condition, for programs to compare. */
  readonly code = "tool_call_not_settled";
}

/** A model gave one id to two calls, so that the approval of one would have been taken for the other. */
export class ApprovalReusedError extends TimestepError {
  /** The class's name. */
  override readonly name = "ApprovalReusedError";
  /** The condition, for programs to compare. */
  readonly code = "approval_reused";
}

/** A run would have to wait for a person, and could not go on afterwards: the SDK does not load its state again. */
export class PauseNotResumableError extends TimestepError {
  /** The class's name. */
  override readonly name = "PauseNotResumableError";
  /** The condition, for programs to compare. */
  readonly code = "pause_not_resumable";
}
