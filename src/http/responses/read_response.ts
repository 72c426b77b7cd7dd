import type { Database } from "../../database/database.ts";
import type { RunError } from "../../durable/run_outcome.ts";
import { claimsOf } from "../_access.ts";
import type { Call } from "../_context.ts";
import { itemId } from "../_ids.ts";
import type { Principal } from "../principal.ts";
import { ResponseProjection } from "./projection.ts";
import type { KnownCall } from "./recorded.ts";
import { toText } from "./recorded.ts";
import { begunResponse } from "./response_object.ts";
import type { ResponseRecord } from "./response_record.ts";
import type { RunNews, RunWatcher } from "./run_watcher.ts";
import { type Interruption, readSegment, type Segment, toSegment } from "./segment.ts";
import type { SegmentEnd } from "./segment_end.ts";
import { SERVER_LABEL, type WireEvent, type WireItem, type WireResponse } from "./wire.ts";

/** Where responses are read, and for whom. */
export interface Reader {
  database: Database;
  watcher: RunWatcher;
  principal: Principal;
}

/** Who reads responses in a request. */
export async function readerOf({ context, principal }: Call): Promise<Reader> {
  return { database: await context.database(), watcher: await context.watcher(), principal };
}

/** A response while it is read. */
export interface Reading {
  reader: Reader;
  projection: ResponseProjection;
  record: ResponseRecord;
  /** The news of its run. */
  news: AsyncGenerator<RunNews, void, undefined>;
}

/**
 * Begins to tell what a response says.
 *
 * @param signal Ends the reading.
 * @param executing For who wants the end and nothing else: resolves when this process no longer executes the run.
 */
export async function beginReading(
  reader: Reader,
  record: ResponseRecord,
  signal: AbortSignal,
  executing?: Promise<unknown>,
): Promise<Reading> {
  const calls = record.segment === 0 ? [] : await callsBefore(reader, record);
  const projection = new ResponseProjection(begunResponse(record), record.segment, calls);
  const { runId, ownerId, segment } = record;
  const run = { runId, ownerId, segment, claims: claimsOf(reader.principal) };
  return { reader, projection, record, news: reader.watcher.news(run, signal, executing) };
}

async function callsBefore(reader: Reader, record: ResponseRecord): Promise<KnownCall[]> {
  const before = await segmentOf(reader, record, record.segment - 1);
  return before.interruptions.map((interruption) => ({
    callId: interruption.callId,
    name: interruption.toolName,
    arguments: interruption.arguments,
    isCallers: interruption.isCallers,
    approvalId: itemId("mcpr", before.responseId, interruption.place),
    rejection: interruption.status === "rejected" ? interruption.message ?? "" : null,
  }));
}

function segmentOf({ database, principal }: Reader, record: ResponseRecord, segment: number) {
  return readSegment(database, principal, record, segment);
}

/** What follows from news of the run; the last events come with the segment's end. */
export async function project(reading: Reading, news: RunNews): Promise<WireEvent[]> {
  const { projection, record } = reading;
  if (record.stillPending) return projection.end(await stillPendingEnd(reading));
  const events = news.entries.flatMap((entry) => projection.add(entry));
  return isOver(record, news) ? [...events, ...projection.end(endOf(record, news))] : events;
}

/**
 * Whether the response's segment has ended, and all of it was read. `unknown_outcome` is an end, too, though it goes on
 * when a person has settled it: who waits would wait for days. A run that has not come to the segment yet can still be
 * cancelled.
 */
export function isOver({ segment, stillPending }: ResponseRecord, news: RunNews): boolean {
  if (stillPending !== null) return true;
  if (news.more) return false;
  if (news.segment < segment) return news.status === "cancelled";
  return news.segment > segment || ENDS.includes(news.status);
}

const ENDS: readonly string[] = [
  "completed",
  "interrupted",
  "blocked",
  "failed",
  "cancelled",
  "unknown_outcome",
];

async function stillPendingEnd({ reader, record }: Reading): Promise<SegmentEnd> {
  const segment = await segmentOf(reader, record, record.segment);
  const waitsFor = segment.interruptions.filter(({ place }) => record.stillPending?.includes(place));
  return paused({ ...segment, interruptions: waitsFor }, record.createdAt);
}

function endOf(record: ResponseRecord, news: RunNews): SegmentEnd {
  const segment = toSegment(record, news.ended);
  const { interruptions, finalOutput, error, finishedAt } = segment;
  // Also when the run was cancelled while it waited: the response that asks was complete before.
  if (news.segment > record.segment || news.status === "interrupted" || interruptions.length > 0) {
    return paused(segment, interruptions.at(-1)?.createdAt ?? null);
  }
  // Only a run that is stuck can have gone on since the news.
  if (news.status === "unknown_outcome") {
    return { status: "unknown_outcome", finalText: null, waitsFor: [], error: STUCK, endedAt: null };
  }
  const status = segment.status as SegmentEnd["status"]; // One of ENDS, which is not left again.
  return {
    status,
    finalText: status === "completed" && finalOutput !== null ? toText(finalOutput) : null,
    waitsFor: [],
    error: error as RunError | null,
    endedAt: finishedAt,
  };
}

const STUCK: RunError = {
  name: "unknown_outcome",
  message:
    "Nobody knows whether a call of a tool took effect when its process died, and it must not be repeated. " +
    "Somebody has to settle it with settleToolCall(); then the response goes on.",
};

function paused({ responseId, interruptions }: Segment, endedAt: Date | null): SegmentEnd {
  const waitsFor = interruptions.map((interruption) => ({
    callId: interruption.callId,
    item: toItem(responseId, interruption),
  }));
  return { status: "interrupted", finalText: null, waitsFor, error: null, endedAt };
}

/** What is asked of the caller: to approve a call, or to make it. */
function toItem(responseId: string, { place, isCallers, toolName, ...call }: Interruption): WireItem {
  if (isCallers) {
    return {
      id: itemId("fc", responseId, place),
      type: "function_call",
      call_id: itemId("call", responseId, place),
      name: toolName,
      arguments: call.arguments,
      status: "completed",
    };
  }
  return {
    id: itemId("mcpr", responseId, place),
    type: "mcp_approval_request",
    server_label: SERVER_LABEL,
    name: toolName,
    arguments: call.arguments,
  };
}

/** What a response says now. */
export async function currentResponse(reader: Reader, record: ResponseRecord): Promise<WireResponse> {
  const reading = await beginReading(reader, record, new AbortController().signal);
  reading.projection.begin();
  for await (const news of reading.news) {
    await project(reading, news);
    if (news.more) continue;
    if (isOver(record, news)) break;
    const status = news.status === "queued" ? "queued" : "in_progress";
    return { ...reading.projection.response, status };
  }
  return reading.projection.response;
}
