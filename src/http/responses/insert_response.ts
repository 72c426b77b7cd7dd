import type { Queryable } from "../../database/database.ts";
import { newId } from "../_ids.ts";
import { RESPONSE_COLUMNS, type ResponseRecord, toResponseRecord } from "./response_record.ts";

/** A response to be recorded. */
export interface NewResponse {
  responseId: string;
  runId: string;
  ownerId: string | null;
  segment: number;
  agentName: string;
  sessionId: string;
  previousResponseId: string | null;
  conversationId: string | null;
  input: readonly Record<string, unknown>[];
  metadata: Record<string, string>;
  background: boolean;
  idempotencyKey: string | null;
  requestHash: string;
  stillPending: number[] | null;
}

/** The items of a request as they are recorded. */
export function recordedInput(items: readonly Record<string, unknown>[]): ResponseRecord["input"] {
  return items.map((item) => ({ type: "message", ...item }));
}

/** Makes the id of a new response. */
export function newResponseId(): string {
  return newId("resp");
}

/**
 * Records a response.
 *
 * @returns It; `undefined` when there is one of this segment already.
 * @throws {StatementError} `23505` when the idempotency key is in use.
 */
export async function insertResponse(
  transaction: Queryable,
  response: NewResponse,
): Promise<ResponseRecord | undefined> {
  const [row] = await transaction.query(INSERT, [
    response.responseId,
    response.runId,
    response.segment,
    response.ownerId,
    response.agentName,
    response.sessionId,
    response.previousResponseId,
    response.conversationId,
    JSON.stringify(recordedInput(response.input)),
    JSON.stringify(response.metadata),
    response.background,
    response.idempotencyKey,
    response.requestHash,
    response.stillPending?.map(String) ?? null,
  ]);
  return row && toResponseRecord(row);
}

const INSERT = `
insert into timestep.responses as r (
  response_id, run_id, segment, owner_id, agent_name, session_id, previous_response_id, conversation_id, input,
  metadata, background, idempotency_key, request_hash, still_pending, history_length
) values (
  $1, $2, $3::int, $4, $5, $6, $7, $8, $9::text::json, $10::text::json, $11::bool, $12, $13,
  $14::text[]::integer[], coalesce((select next_position from timestep.sessions where session_id = $6), 0)
)
on conflict (run_id, segment, (case when still_pending is null then 0 else number end)) do nothing
returning ${RESPONSE_COLUMNS}`;
