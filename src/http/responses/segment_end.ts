import type { RunError } from "../../durable/run_outcome.ts";
import type { WireItem } from "./wire.ts";

/** How a segment of a run ended. */
export interface SegmentEnd {
  status: "completed" | "interrupted" | "blocked" | "failed" | "cancelled";
  /** What the agent answered, as text; `null` unless it completed. */
  finalText: string | null;
  /** What the run waits for now. */
  approvals: WireItem[];
  error: RunError | null;
  /** When it ended; of a paused segment: when it was read, roughly. */
  endedAt: Date | null;
}
