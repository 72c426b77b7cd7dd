import type { Database } from "../../database/database.ts";
import { decide } from "../../workflows/decide.ts";
import { DecisionConflictError } from "../../workflows/errors.ts";
import { ApiError } from "../api_error.ts";
import type { Principal } from "../principal.ts";
import { type Answers, findAnswers } from "./answers.ts";
import { insertResponse, type NewResponse, newResponseId } from "./insert_response.ts";
import type { CreateRequest } from "./request.ts";
import { readResponse, type ResponseRecord } from "./response_record.ts";

/** What a response to answers is made of. */
export interface ResumeOptions {
  principal: Principal;
  request: CreateRequest;
  /** The answers at the end of the request. */
  answers: readonly Record<string, unknown>[];
  requestHash: string;
  idempotencyKey: string | null;
}

/**
 * Records what a paused run waited for: decisions about approvals, and results of calls. When all are there the run
 * goes on, as a new response; until then the new response asks for what is left. The same answers again lead to the
 * same response.
 *
 * @throws {ApiError} 404 when nothing such was asked; 400 when it was answered otherwise.
 */
export async function resumeResponse(database: Database, options: ResumeOptions): Promise<ResponseRecord> {
  const { principal, request } = options;
  const answers = await findAnswers(database, principal, options.answers);
  assertParent(request, answers.asked);
  const { record, isNew } = await recordResponse(database, options, answers);
  try {
    await decide({
      runId: answers.asked.runId,
      decisions: answers.decisions,
      ...("ownerId" in principal ? { decidedBy: principal.ownerId } : {}),
    });
  } catch (error) {
    if (!(error instanceof DecisionConflictError)) throw error;
    if (isNew) await forget(database, record.responseId);
    throw new ApiError(400, error.message, { code: "decision_conflict", param: "input", cause: error });
  }
  return record;
}

function assertParent({ conversationId }: CreateRequest, asked: ResponseRecord): void {
  if (conversationId === null || conversationId === asked.conversationId) return;
  throw new ApiError(400, "What is answered belongs to another conversation.", {
    code: "invalid_value",
    param: "conversation",
  });
}

async function recordResponse(
  database: Database,
  { principal, request, answers, requestHash, idempotencyKey }: ResumeOptions,
  { asked, leftOpen }: Answers,
): Promise<{ record: ResponseRecord; isNew: boolean }> {
  const waits = leftOpen.length > 0;
  const response: NewResponse = {
    responseId: newResponseId(),
    runId: asked.runId,
    ownerId: asked.ownerId,
    segment: waits ? asked.segment : asked.segment + 1,
    agentName: asked.agentName,
    sessionId: asked.sessionId,
    previousResponseId: request.previousResponseId,
    conversationId: request.conversationId,
    input: answers,
    metadata: request.metadata,
    background: request.background,
    idempotencyKey,
    requestHash,
    stillPending: waits ? leftOpen : null,
  };
  return await database.transaction(async (transaction) => {
    const record = await insertResponse(transaction, response);
    if (record) return { record, isNew: true };
    const [row] = await transaction.query(
      `select response_id from timestep.responses
       where run_id = $1 and segment = $2::int and still_pending is null`,
      [response.runId, response.segment],
    );
    const known = row && await readResponse(transaction, String(row["response_id"]), principal);
    if (!known) {
      throw new ApiError(404, "The response to these answers was deleted.", { code: "not_found" });
    }
    return { record: known, isNew: false };
  });
}

async function forget(database: Database, responseId: string): Promise<void> {
  await database.query("delete from timestep.responses where response_id = $1", [responseId]);
}
