import type { JsonValue } from "../core/json_value.ts";

/** What every event of a run has. */
export interface RunEventBase {
  /** The event's place in the run's stream: give the last one to `after` to go on from there. */
  position: number;
  /** The step that it belongs to; also of events that the step gave before it was over. */
  step: string;
  /** Which try of the step: a model call that was cut off is made again. */
  attempt: number;
}

/** What happens in a run, for whoever watches it. */
export type RunEvent =
  /** Part of a model's answer while it is being given: `event` is an event of the SDK's model stream. */
  | RunEventBase & { type: "model_delta"; event: JsonValue }
  /** The step begins again: what came of its earlier attempts counts no more. */
  | RunEventBase & { type: "reset" }
  /** A model's whole answer: items of the SDK. */
  | RunEventBase & { type: "model_response"; agentName: string; output: JsonValue }
  /** What a tool gave. `callId` is the model's id of the call; its hash, where that is long or has odd characters. */
  | RunEventBase & { type: "tool_output"; toolName: string; callId: string; output: JsonValue }
  /** A tool threw, or was given up on. */
  | RunEventBase & { type: "tool_error"; toolName: string; callId: string; error: JsonValue }
  /** Another agent took over. */
  | RunEventBase & { type: "handoff"; agentName: string }
  /** A guardrail has spoken. */
  | RunEventBase & { type: "guardrail"; guardrailName: string; output: JsonValue };
