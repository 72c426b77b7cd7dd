import { z } from "zod";
import type { Queryable, Row } from "../../database/database.ts";
import { type CallerTool, callerToolSchema } from "../../durable/caller_tool.ts";
import { claimsOf } from "../_access.ts";
import { notFound } from "../api_error.ts";
import { isId } from "../_ids.ts";
import { mayUseAgent, ownerIdOf, type Principal } from "../principal.ts";
import type { WireItem } from "./wire.ts";

/** What is kept of a response: where it belongs. What it says follows from its run. */
export interface ResponseRecord {
  responseId: string;
  /** Orders the responses of a conversation. */
  number: number;
  runId: string;
  segment: number;
  ownerId: string | null;
  agentName: string;
  sessionId: string;
  previousResponseId: string | null;
  conversationId: string | null;
  /** The items of the request; their ids are made of their places. */
  input: Omit<WireItem, "id">[];
  metadata: Record<string, string>;
  background: boolean;
  requestHash: string;
  /** Where only some approvals were decided: the places of those that were still open. */
  stillPending: number[] | null;
  /** The functions that the caller offered to the run. */
  callerTools: CallerTool[];
  createdAt: Date;
}

const recordSchema = z.object({
  responseId: z.string(),
  number: z.number(),
  runId: z.string(),
  segment: z.number(),
  ownerId: z.string().nullable(),
  agentName: z.string(),
  sessionId: z.string(),
  previousResponseId: z.string().nullable(),
  conversationId: z.string().nullable(),
  input: z.array(z.looseObject({ type: z.string() })),
  metadata: z.record(z.string(), z.string()),
  background: z.boolean(),
  requestHash: z.string(),
  stillPending: z.array(z.number()).nullable(),
  callerTools: z.array(callerToolSchema).nullable().transform((tools) => tools ?? []),
  createdAt: z.date(),
});

/** The columns of a {@linkcode ResponseRecord}, of `timestep.responses r`. */
export const RESPONSE_COLUMNS = `r.response_id as "responseId", r.number, r.run_id as "runId", r.segment,
  r.owner_id as "ownerId", r.agent_name as "agentName", r.session_id as "sessionId",
  r.previous_response_id as "previousResponseId", r.conversation_id as "conversationId", r.input, r.metadata,
  r.background, r.request_hash as "requestHash", to_json(r.still_pending) as "stillPending",
  (select u.options -> 'callerTools' from timestep.runs u where u.run_id = r.run_id) as "callerTools",
  r.created_at as "createdAt"`;

/** Parses a row of {@linkcode RESPONSE_COLUMNS}. */
export function toResponseRecord(row: Row): ResponseRecord {
  return recordSchema.parse(row);
}

/**
 * Finds a response that the caller may see.
 *
 * @throws {ApiError} 404 when there is none of this id, or it is somebody else's.
 */
export async function findResponse(
  queryable: Queryable,
  principal: Principal,
  responseId: string,
): Promise<ResponseRecord> {
  const record = await readResponse(queryable, responseId, principal);
  if (record) return record;
  throw notFound("response", responseId);
}

/** Reads a response by its id; `undefined` when the caller may not see it. */
export async function readResponse(
  queryable: Queryable,
  responseId: string,
  principal: Principal,
): Promise<ResponseRecord | undefined> {
  if (!isId("resp", responseId)) return undefined;
  const [row] = await queryable.query(
    `select ${RESPONSE_COLUMNS} from timestep.find_response($1, $2) r
     where ($3::text is null or r.owner_id = $3) and r.deleted_at is null`,
    [claimsOf(principal), responseId, ownerIdOf(principal)],
  );
  const record = row && toResponseRecord(row);
  return record && mayUseAgent(principal, record.agentName) ? record : undefined;
}

/** The response that a request with this idempotency key has made, deleted or not. */
export async function readResponseOfKey(
  queryable: Queryable,
  principal: Principal,
  idempotencyKey: string,
): Promise<ResponseRecord | undefined> {
  const [row] = await queryable.query(
    `select ${RESPONSE_COLUMNS} from timestep.find_response($1, null, $2) r
     where r.owner_id is not distinct from $3`,
    [claimsOf(principal), idempotencyKey, ownerIdOf(principal)],
  );
  return row && toResponseRecord(row);
}

/** The last response that an equal request has made, a short time ago. */
export async function readResponseOfRequest(
  queryable: Queryable,
  principal: Principal,
  requestHash: string,
): Promise<ResponseRecord | undefined> {
  const [row] = await queryable.query(
    `select ${RESPONSE_COLUMNS} from timestep.find_response($1, null, null, $2) r
     where r.owner_id is not distinct from $3 and r.deleted_at is null`,
    [claimsOf(principal), requestHash, ownerIdOf(principal)],
  );
  return row && toResponseRecord(row);
}
