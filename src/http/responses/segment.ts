import { z } from "zod";
import type { Queryable } from "../../database/database.ts";
import { callerToolSchema } from "../../durable/caller_tool.ts";
import { claimsOf } from "../_access.ts";
import type { Principal } from "../principal.ts";
import type { ResponseRecord } from "./response_record.ts";

/** Something that a segment ended with: a call that the run waits for. */
export interface Interruption {
  interruptionId: string;
  /** The place among those of its segment. */
  place: number;
  agentName: string;
  callId: string;
  toolName: string;
  arguments: string;
  /** Whether the caller makes the call, and is asked for its result; else the agent does, when it is approved. */
  isCallers: boolean;
  status: "pending" | "approved" | "rejected";
  message: string | null;
  createdAt: Date;
}

/** What is recorded of a segment and its run. */
export interface Segment {
  /** Of the run. */
  status: string;
  finalOutput: unknown;
  error: { name: string; message: string; code?: string | undefined } | null;
  finishedAt: Date | null;
  /** The response by which what the segment waits for is called. */
  responseId: string;
  /** In the order in which responses number them. */
  interruptions: Interruption[];
}

const instant = z.number().transform((ms) => new Date(ms));

const segmentSchema = z.object({
  status: z.string(),
  finalOutput: z.unknown(),
  error: z.object({ name: z.string(), message: z.string(), code: z.string().optional() }).nullable(),
  finishedAtMs: instant.nullable(),
  responseId: z.string(),
  callerTools: z.array(callerToolSchema).nullable(),
  interruptions: z.array(z.object({
    interruptionId: z.string(),
    agentName: z.string(),
    callId: z.string().nullable(),
    toolName: z.string(),
    arguments: z.string().nullable(),
    status: z.enum(["pending", "approved", "rejected"]),
    message: z.string().nullable(),
    createdAtMs: instant,
  })),
});

/**
 * Reads what a segment of a response's run has ended with.
 *
 * @throws {Error} When the caller may not see the run, which the response should have told before.
 */
export async function readSegment(
  queryable: Queryable,
  principal: Principal,
  record: Pick<ResponseRecord, "runId" | "agentName">,
  segment: number,
): Promise<Segment> {
  const [row] = await queryable.query("select timestep.read_segment($1, $2, $3::int) as segment", [
    claimsOf(principal),
    record.runId,
    segment,
  ]);
  return toSegment(record, row?.["segment"]);
}

/** Parses what `timestep.read_segment()` gives. @throws {Error} When that is nothing, see {@linkcode readSegment}. */
export function toSegment(
  { runId, agentName }: Pick<ResponseRecord, "runId" | "agentName">,
  recorded: unknown,
): Segment {
  if (recorded === null) throw new Error(`Run "${runId}" is not there for this caller.`);
  const { interruptions, callerTools, finishedAtMs, ...told } = segmentSchema.parse(recorded);
  const callers = new Set(callerTools?.map(({ name }) => name));
  return {
    ...told,
    finishedAt: finishedAtMs,
    interruptions: interruptions.map(({ createdAtMs, ...interruption }, place) => ({
      ...interruption,
      place,
      callId: interruption.callId ?? "",
      arguments: interruption.arguments ?? "{}",
      isCallers: interruption.agentName === agentName && callers.has(interruption.toolName),
      createdAt: createdAtMs,
    })),
  };
}
