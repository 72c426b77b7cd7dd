import type { RunInterruption } from "../core/run_interruption.ts";
import type { JsonValue } from "../core/json_value.ts";

/**
 * How the execution of a run ended. `completed`, `blocked` (by a guardrail), `failed` and `cancelled` are final;
 * `interrupted` waits for decisions; `unknown_outcome` waits for a person to settle a tool call.
 */
export type RunOutcomeStatus =
  | "completed"
  | "interrupted"
  | "blocked"
  | "failed"
  | "cancelled"
  | "unknown_outcome";

/** Tokens used by a run since its beginning, across every pause. */
export interface RunUsage {
  /** Calls of the model. */
  requests: number;
  /** Tokens that were sent, cached ones included. */
  inputTokens: number;
  /** Tokens that came back, reasoning included. */
  outputTokens: number;
  /** Both together. */
  totalTokens: number;
}

/** Why a run was blocked or failed, as plain data: no stack, no state of the run, no secrets. */
export interface RunError {
  /** The name of the error's class, e.g. `InputGuardrailTripwireTriggered` or `MaxTurnsExceededError`. */
  name: string;
  /** What went wrong, for people. */
  message: string;
  /** The guardrail whose tripwire blocked the run. */
  guardrail?: string;
  /** What that guardrail said about it. */
  outputInfo?: JsonValue;
  /** A stable identifier, when the error has one. */
  code?: string;
}

/** A tool call that began and of which nobody knows whether it was completed. */
export interface UnknownToolCall {
  /** Names the call in `settleToolCall()`. */
  stepKey: string;
  /** The tool that was called. */
  toolName: string;
  /** When the call began. */
  startedAt: Date;
}

/** What became of a run: plain data, the same in every process. */
export interface RunOutcome {
  /** The run. */
  runId: string;
  /** How it stands. */
  status: RunOutcomeStatus;
  /** How often the run was continued after a pause; 0 for its first part. */
  segment: number;
  /** What the last agent answered; absent unless the status is `completed`. */
  finalOutput?: JsonValue;
  /** What the run waits for; empty unless the status is `interrupted`. */
  interruptions: RunInterruption[];
  /** What it has used since its beginning. */
  usage: RunUsage;
  /** Why; present when the status is `blocked` or `failed`. */
  error?: RunError;
  /** What a person has to settle; empty unless the status is `unknown_outcome`. */
  unknownToolCalls: UnknownToolCall[];
}
