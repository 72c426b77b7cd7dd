import type { WrittenSegment, WrittenStep } from "../../durable/written_segment.ts";
import type { StepEntry } from "./entry.ts";
import type { RunNews } from "./run_watcher.ts";

/**
 * What is new of a run that this process has begun and ended, from what it has written: the same as
 * `timestep.read_news()` would tell.
 *
 * @param after The position of the last entry that is known.
 */
export function newsOf(runId: string, { steps, end, endedAtMs }: WrittenSegment, after: number): RunNews {
  return {
    entries: steps.filter(isTold).filter(({ position }) => position > after).map(toEntry),
    more: false,
    status: end.status,
    segment: 0,
    ended: {
      status: end.status,
      finalOutput: end.finalOutput ?? null,
      error: end.error ?? null,
      finishedAtMs: endedAtMs,
      responseId: runId,
      callerTools: null,
      interruptions: [],
    },
  };
}

/** A step that responses tell of. */
type ToldStep = WrittenStep & Pick<StepEntry, "kind" | "status">;

function isTold(step: WrittenStep): step is ToldStep {
  const { kind, key } = step;
  return kind === "model" || kind === "tool" || kind === "guardrail" && /^guardrail:.*:tool_/s.test(key);
}

function toEntry({ kind, position, key, status, name = "", output = "null" }: ToldStep): StepEntry {
  return { kind, position, step: key, status, name, output: JSON.parse(output) };
}
