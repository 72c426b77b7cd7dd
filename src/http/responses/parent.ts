import type { Queryable } from "../../database/database.ts";
import { ApiError } from "../api_error.ts";
import { claimsOf, isCallersSession, sessionParameters } from "../_access.ts";
import { newId } from "../_ids.ts";
import type { Principal } from "../principal.ts";
import { type CreateRequest, parentNotFound } from "./request.ts";
import { readResponse, RESPONSE_COLUMNS, type ResponseRecord, toResponseRecord } from "./response_record.ts";

/** The conversation that a new response goes on with, and whose it is. */
export interface SessionOfParent {
  sessionId: string;
  /** Whether it has yet to be made. */
  isNew: boolean;
  ownerId: string | null;
}

/** What a new response goes on from. */
export type Parent =
  | SessionOfParent
  /** The same request is under way, or answered: there is nothing new to do. */
  | { attached: ResponseRecord };

/**
 * Locks what a request goes on from, and finds its conversation: the one that it names, that of the previous
 * response, or a copy of that.
 *
 * @throws {ApiError} 404 when the parent is not there or somebody else's; 400 when it is not over.
 */
export async function lockParent(
  transaction: Queryable,
  principal: Principal,
  request: CreateRequest,
  requestHash: string,
  isRetry: boolean,
): Promise<Parent> {
  const { conversationId, previousResponseId } = request;
  if (conversationId !== null) {
    const ownerId = await lockSession(transaction, conversationId, principal, "conversation");
    const last = await lastResponse(transaction, conversationId);
    const session = { sessionId: conversationId, isNew: false, ownerId };
    if (!last) return session;
    const open = await isOpen(transaction, last);
    if (last.requestHash === requestHash && (open || isRetry)) return { attached: last };
    if (open) throw notOver("conversation", last);
    return session;
  }
  const previous = previousResponseId === null
    ? undefined
    : await readResponse(transaction, previousResponseId, principal);
  if (!previous) throw parentNotFound("previous_response_id", "response", previousResponseId ?? "");
  const ownerId = await lockSession(transaction, previous.sessionId, principal, "previous_response_id");
  const same = await sameChild(transaction, previous, requestHash);
  if (same) return { attached: same };
  if (await isOpen(transaction, previous)) throw notOver("previous_response_id", previous);
  return { sessionId: await continuedSession(transaction, previous, ownerId), isNew: false, ownerId };
}

/** Makes a conversation that is not listed as one. */
async function createSession(transaction: Queryable, ownerId: string | null): Promise<string> {
  const sessionId = newId("resp");
  await transaction.query("insert into timestep.sessions (session_id, owner_id) values ($1, $2)", [
    sessionId,
    ownerId,
  ]);
  return sessionId;
}

async function lockSession(
  transaction: Queryable,
  sessionId: string,
  principal: Principal,
  param: string,
): Promise<string | null> {
  const [row] = await transaction.query(
    `select s.owner_id from timestep.lock_session($1, $2) s where ${isCallersSession(3)}`,
    [claimsOf(principal), sessionId, ...sessionParameters(principal)],
  );
  if (!row) throw parentNotFound(param, "conversation", sessionId);
  return row["owner_id"] === null ? null : String(row["owner_id"]);
}

async function lastResponse(transaction: Queryable, sessionId: string): Promise<ResponseRecord | undefined> {
  const [row] = await transaction.query(
    `select ${RESPONSE_COLUMNS} from timestep.responses r
     where r.session_id = $1 order by r.number desc limit 1`,
    [sessionId],
  );
  return row && toResponseRecord(row);
}

async function sameChild(
  transaction: Queryable,
  previous: ResponseRecord,
  requestHash: string,
): Promise<ResponseRecord | undefined> {
  const [row] = await transaction.query(
    `select ${RESPONSE_COLUMNS} from timestep.responses r
     where r.previous_response_id = $1 and r.request_hash = $2 and r.idempotency_key is null
       and r.deleted_at is null and r.owner_id is not distinct from $3
     order by r.number limit 1`,
    [previous.responseId, requestHash, previous.ownerId],
  );
  return row && toResponseRecord(row);
}

/** Whether something of the response's run is still to come. */
async function isOpen(transaction: Queryable, { runId, segment }: ResponseRecord): Promise<boolean> {
  const [row] = await transaction.query(
    `select segment = $2::int and status in ('queued', 'running', 'interrupted', 'unknown_outcome')
       or segment < $2::int and status <> 'cancelled' as open
     from timestep.runs where run_id = $1`,
    [runId, segment],
  );
  return row?.["open"] === true;
}

function notOver(param: string, { responseId }: ResponseRecord): ApiError {
  return new ApiError(
    400,
    `Response '${responseId}' is not over: it is under way, or waits for answers. Wait for it, answer what it ` +
      "asks for with the last items of a request, or cancel it first.",
    { code: "response_not_over", param },
  );
}

/**
 * The conversation goes on where the previous response is the last of it. Where others followed it, a new one
 * begins with a copy of the history until then.
 */
async function continuedSession(
  transaction: Queryable,
  { sessionId, number, conversationId }: ResponseRecord,
  ownerId: string | null,
): Promise<string> {
  const [next] = await transaction.query(
    `select history_length from timestep.responses
     where session_id = $1 and number > $2::bigint and segment = 0 order by number limit 1`,
    [sessionId, number],
  );
  if (!next && conversationId === null) return sessionId;
  const copyId = await createSession(transaction, ownerId);
  await transaction.query(
    `insert into timestep.session_items (session_id, position, item)
     select $1, position, item from timestep.session_items
     where session_id = $2 and ($3::bigint is null or position < $3::bigint)`,
    [copyId, sessionId, next ? Number(next["history_length"]) : null],
  );
  await transaction.query(
    `update timestep.sessions c set
       next_position = coalesce((select max(position) + 1 from timestep.session_items where session_id = $1), 0),
       agents = s.agents
     from timestep.sessions s where c.session_id = $1 and s.session_id = $2`,
    [copyId, sessionId],
  );
  return copyId;
}
