import { z } from "zod";
import type { Queryable } from "../../database/database.ts";
import type { RunError } from "../../durable/run_outcome.ts";
import { itemId } from "../_ids.ts";
import { ResponseProjection } from "./projection.ts";
import type { KnownCall } from "./recorded.ts";
import { toText } from "./recorded.ts";
import { begunResponse } from "./response_object.ts";
import type { ResponseRecord } from "./response_record.ts";
import type { RunNews, RunWatcher } from "./run_watcher.ts";
import type { SegmentEnd } from "./segment_end.ts";
import { SERVER_LABEL, type WireEvent, type WireItem, type WireResponse } from "./wire.ts";

/** Something that a segment ended with: an approval that the run waits for. */
export interface Approval {
  interruptionId: string;
  /** The place among those of its segment. */
  place: number;
  callId: string | null;
  toolName: string;
  arguments: string | null;
  createdAt: Date;
}

const approvalSchema = z.object({
  interruptionId: z.string(),
  callId: z.string().nullable(),
  toolName: z.string(),
  arguments: z.string().nullable(),
  createdAt: z.date(),
});

/** The approvals that a segment ended with, in the order in which responses number them. */
export async function readApprovals(
  queryable: Queryable,
  runId: string,
  segment: number,
): Promise<Approval[]> {
  const rows = await queryable.query(
    `select interruption_id as "interruptionId", call_id as "callId", tool_name as "toolName", arguments,
       created_at as "createdAt"
     from timestep.interruptions where run_id = $1 and segment = $2::int order by interruption_id`,
    [runId, segment],
  );
  return rows.map((row, place) => ({ ...approvalSchema.parse(row), place }));
}

/** The response that has this segment, by which its approval requests are called. */
async function responseIdOfSegment(queryable: Queryable, runId: string, segment: number): Promise<string> {
  const [row] = await queryable.query(
    `select response_id from timestep.responses
     where run_id = $1 and segment = $2::int and still_pending is null`,
    [runId, segment],
  );
  return row ? String(row["response_id"]) : runId;
}

/** A response while it is read. */
export interface Reading {
  projection: ResponseProjection;
  record: ResponseRecord;
  /** The news of its run. */
  news: AsyncGenerator<RunNews, void, undefined>;
}

/** Begins to tell what a response says. */
export async function beginReading(
  queryable: Queryable,
  watcher: RunWatcher,
  record: ResponseRecord,
  signal: AbortSignal,
): Promise<Reading> {
  const calls = record.segment === 0 ? [] : await callsBefore(queryable, record);
  const projection = new ResponseProjection(begunResponse(record), record.segment, calls);
  return { projection, record, news: watcher.news(record.runId, signal) };
}

async function callsBefore(queryable: Queryable, { runId, segment }: ResponseRecord): Promise<KnownCall[]> {
  const approvals = await readApprovals(queryable, runId, segment - 1);
  const responseId = await responseIdOfSegment(queryable, runId, segment - 1);
  return approvals.map(({ callId, toolName, arguments: given, place }) => ({
    callId: callId ?? "",
    name: toolName,
    arguments: given ?? "{}",
    approvalId: itemId("mcpr", responseId, place),
  }));
}

/** What follows from news of the run; the last events come with the segment's end. */
export async function project(queryable: Queryable, reading: Reading, news: RunNews): Promise<WireEvent[]> {
  const { projection, record } = reading;
  if (record.stillPending) return projection.end(await stillPendingEnd(queryable, record));
  const events = news.entries.flatMap((entry) => projection.add(entry));
  return isOver(record, news)
    ? [...events, ...projection.end(await readEnd(queryable, record, news))]
    : events;
}

/**
 * Whether the response's segment has ended, and all of it was read. `unknown_outcome` is not an end: it goes on when a
 * person has settled it. A run that has not come to the segment yet can still be cancelled.
 */
export function isOver({ segment, stillPending }: ResponseRecord, news: RunNews): boolean {
  if (stillPending !== null) return true;
  if (news.more) return false;
  if (news.segment < segment) return news.status === "cancelled";
  return news.segment > segment || ENDS.includes(news.status);
}

const ENDS: readonly string[] = ["completed", "interrupted", "blocked", "failed", "cancelled"];

async function stillPendingEnd(queryable: Queryable, record: ResponseRecord): Promise<SegmentEnd> {
  const { runId, segment, stillPending, createdAt } = record;
  const approvals = (await approvalItems(queryable, runId, segment))
    .filter((_item, place) => stillPending?.includes(place));
  return { status: "interrupted", finalText: null, approvals, error: null, endedAt: createdAt };
}

async function approvalItems(queryable: Queryable, runId: string, segment: number): Promise<WireItem[]> {
  const responseId = await responseIdOfSegment(queryable, runId, segment);
  return (await readApprovals(queryable, runId, segment)).map((approval) => ({
    id: itemId("mcpr", responseId, approval.place),
    type: "mcp_approval_request",
    server_label: SERVER_LABEL,
    name: approval.toolName,
    arguments: approval.arguments ?? "{}",
  }));
}

const endSchema = z.object({
  status: z.enum(["completed", "interrupted", "blocked", "failed", "cancelled"]),
  finalOutput: z.unknown(),
  error: z.object({ name: z.string(), message: z.string() }).nullable(),
  finishedAt: z.date().nullable(),
});

async function readEnd(queryable: Queryable, record: ResponseRecord, news: RunNews): Promise<SegmentEnd> {
  const { runId, segment } = record;
  const approvals = await approvalItems(queryable, runId, segment);
  // Also when the run was cancelled while it waited: the response that asks was complete before.
  if (news.segment > segment || news.status === "interrupted" || approvals.length > 0) {
    const [last] = (await readApprovals(queryable, runId, segment)).slice(-1);
    const endedAt = last?.createdAt ?? null;
    return { status: "interrupted", finalText: null, approvals, error: null, endedAt };
  }
  const [row] = await queryable.query(
    'select status, final_output as "finalOutput", error, finished_at as "finishedAt" from timestep.runs where run_id = $1',
    [runId],
  );
  const { status, finalOutput, error, finishedAt } = endSchema.parse(row);
  return {
    status,
    finalText: status === "completed" && finalOutput !== null ? toText(finalOutput) : null,
    approvals: [],
    error: error as RunError | null,
    endedAt: finishedAt,
  };
}

/** What a response says now. */
export async function currentResponse(
  queryable: Queryable,
  watcher: RunWatcher,
  record: ResponseRecord,
): Promise<WireResponse> {
  const reading = await beginReading(queryable, watcher, record, new AbortController().signal);
  reading.projection.begin();
  for await (const news of reading.news) {
    await project(queryable, reading, news);
    if (news.more) continue;
    if (isOver(record, news)) break;
    const status = news.status === "queued" ? "queued" : "in_progress";
    return { ...reading.projection.response, status };
  }
  return reading.projection.response;
}
