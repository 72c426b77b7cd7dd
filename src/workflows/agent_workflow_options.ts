import type { AgentInputItem, Session } from "../core/package_types.ts";
import type { JsonValue } from "../core/json_value.ts";
import type { AnyAgent } from "../run/types.ts";

/** What every durable run is made of, however it is started. */
export interface AgentWorkflowOptions {
  /** The agent that starts. It is registered, as by `registerAgent()`. */
  agent: AnyAgent;
  /** A text, or items. */
  inputItems: string | AgentInputItem[];
  /**
   * The conversation: a `DatabaseSession` of the same database, or an `OpenAIConversationsSession`. Processes that
   * go on with the run open it again by its id.
   */
  session?: Session | undefined;
  /** Whether the model's answers are streamed into the run's events, for `readRunEvents()`. @default {false} */
  stream?: boolean | undefined;
  /**
   * Names the run, and makes starting it idempotent: the same id again is the same run, never a second one.
   * Default: a random one.
   */
  workflowId?: string | undefined;
  /**
   * How long the run may take, in seconds; then it is cancelled. Time in a queue and time that a person takes to
   * decide do not count: it starts again after each pause. Default: no limit.
   */
  timeoutSeconds?: number | undefined;
  /** The run context that tools and guardrails share: JSON, as it has to outlive the process. */
  context?: JsonValue | undefined;
  /** How many times the model may be called; null: without limit. Default: the SDK's, 10. */
  maxTurns?: number | null | undefined;
  /** Whom the run belongs to: a user's id. Default: the service itself. */
  ownerId?: string | undefined;
}
