import type { RunError } from "../../durable/run_outcome.ts";
import type { WireItem } from "./wire.ts";

/** What a run waits for. */
export interface AwaitedCall {
  /** The call, as the model calls it. */
  callId: string;
  /** How the caller is asked for it. */
  item: WireItem;
}

/** How a segment of a run ended. */
export interface SegmentEnd {
  status: "completed" | "interrupted" | "blocked" | "failed" | "cancelled" | "unknown_outcome";
  /** What the agent answered, as text; `null` unless it completed. */
  finalText: string | null;
  /** What the run waits for now: approvals, and the results of calls that are the caller's to make. */
  waitsFor: AwaitedCall[];
  /** Why; `null` unless it was blocked, failed or is stuck. */
  error: RunError | null;
  /** When it ended; of a paused segment: when it was read, roughly. */
  endedAt: Date | null;
}
