import type { ClaimedRun } from "./claim_run.ts";
import type { DurableResult } from "./execute_claimed_run.ts";
import type { JsonValue } from "../core/json_value.ts";
import type { RunOwner } from "./journal_statement.ts";
import type { SegmentEnd } from "./journal_writer.ts";
import { preparePause, writePause } from "./pause_run.ts";
import { readOutcome } from "./read_outcome.ts";
import type { RunFailure } from "./run_error.ts";
import type { RunOutcome } from "./run_outcome.ts";
import { segmentEnded } from "./segment_ends.ts";
import type { WrittenSegment } from "./written_segment.ts";

/** How the SDK's part in a segment ended. */
export type RunEnd =
  | { type: "result"; result: DurableResult }
  | { type: "failure"; failure: RunFailure }
  | { type: "unknown" };

/**
 * Records how a segment ended, together with the last of its steps, in one transaction.
 *
 * @throws {OwnershipLostError} When another process took the run over meanwhile; nothing is written then.
 */
export async function finishRun({ agent, execution }: ClaimedRun, end: RunEnd): Promise<RunOutcome> {
  const { database, owner, writer } = execution;
  const closing = segmentEnd(end, execution.usage);
  let written: WrittenSegment | undefined;
  if (end.type === "result" && closing.status === "interrupted") {
    const pause = preparePause(owner.runId, agent, end.result.state);
    await database.transaction(async (transaction) => {
      await writer.close(transaction, closing);
      await writePause(transaction, owner, pause);
    });
  } else {
    const { atMs, steps } = await writer.close(database, closing);
    if (steps && closing.status !== "unknown_outcome") written = { steps, end: closing, endedAtMs: atMs };
  }
  const { runId, segment } = execution.owner;
  segmentEnded(runId, written);
  if (segment === 0 && closing.status === "completed") return outcomeOf(execution.owner, closing);
  // What it was paused for may be decided already, and the run under way.
  return await readOutcome(execution.database, runId) ?? outcomeOf(execution.owner, closing);
}

/** How a segment ended, without asking the database what it was just told. */
function outcomeOf({ runId, segment }: RunOwner, { status, finalOutput, usage }: SegmentEnd): RunOutcome {
  const sum = (count: (used: SegmentEnd["usage"][number]) => number) =>
    usage.reduce((total, used) => total + count(used), 0);
  return {
    runId,
    status,
    segment,
    ...(finalOutput === undefined || finalOutput === null ? {} : { finalOutput }),
    interruptions: [],
    usage: {
      requests: sum(({ requests }) => requests),
      inputTokens: sum(({ inputTokens }) => inputTokens),
      outputTokens: sum(({ outputTokens }) => outputTokens),
      totalTokens: sum(({ totalTokens }) => totalTokens),
    },
    unknownToolCalls: [],
  };
}

function segmentEnd(end: RunEnd, usage: SegmentEnd["usage"]): SegmentEnd {
  switch (end.type) {
    case "result":
      if (end.result.interruptions.length > 0) return { status: "interrupted", usage };
      return { status: "completed", finalOutput: plain(end.result.finalOutput), usage };
    case "failure":
      return { ...end.failure, usage };
    case "unknown":
      // The segment goes on later, and is counted as a whole then.
      return { status: "unknown_outcome", usage: [] };
  }
}

/** What JSON can hold of an answer: it came from a model as text, or was parsed from one. */
function plain(value: unknown): JsonValue | undefined {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}
