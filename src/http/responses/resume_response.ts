import type { Database, Queryable } from "../../database/database.ts";
import { claimantOf, claimDirectly } from "../../workflows/_claim_directly.ts";
import { segmentWorkflowId } from "../../workflows/_dispatch.ts";
import { waitForRun } from "../../workflows/_wait_for_run.ts";
import { decideWithin } from "../../workflows/decide.ts";
import { DecisionConflictError } from "../../workflows/errors.ts";
import { launchedEngine } from "../../workflows/launch_dbos.ts";
import { keepAliveFor, outlivesRequests } from "../_edge_runtime.ts";
import { ApiError } from "../api_error.ts";
import type { Principal } from "../principal.ts";
import { type Answers, findAnswers } from "./answers.ts";
import { insertResponse, type NewResponse, newResponseId } from "./insert_response.ts";
import { type CreateRequest, parentNotFound } from "./request.ts";
import { readResponse, type ResponseRecord } from "./response_record.ts";
import type { StartedResponse } from "./start_response.ts";

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
export async function resumeResponse(database: Database, options: ResumeOptions): Promise<StartedResponse> {
  const { principal, request } = options;
  const { asked } = await findAnswers(database, principal, options.answers);
  await assertParent(database, principal, request, asked);
  const engine = await launchedEngine();
  // Nobody should wait for the queue, too. As for a new response.
  const claimant = engine && (!request.background || outlivesRequests()) ? claimantOf(engine) : undefined;
  const { record, claimed } = await database.transaction(async (transaction) => {
    // Of several who answer at once, each in part, the last one sees that nothing is open any more.
    await transaction.query("select from timestep.runs where run_id = $1 for update", [asked.runId]);
    const answers = await findAnswers(transaction, principal, options.answers);
    await decideAll(transaction, principal, answers);
    const record = await recordResponse(transaction, options, answers);
    const workflowId = segmentWorkflowId(record.runId, record.segment);
    const goesOn = claimant && record.stillPending === null;
    const claimed = goesOn && await claimDirectly(transaction, workflowId, claimant) ? workflowId : null;
    return { record, claimed };
  });
  if (claimed === null || !engine || !claimant) return { record };
  await engine.dispatch([claimed], claimant.ownerToken);
  keepAliveFor(() => waitForRun(database, record.runId));
  return { record, executing: engine.whileExecuting(claimed) };
}

async function decideAll(
  transaction: Queryable,
  principal: Principal,
  { asked, decisions }: Answers,
): Promise<void> {
  try {
    await decideWithin(transaction, {
      runId: asked.runId,
      decisions,
      ...("ownerId" in principal ? { decidedBy: principal.ownerId } : {}),
    });
  } catch (error) {
    if (!(error instanceof DecisionConflictError)) throw error;
    throw new ApiError(400, error.message, { code: "decision_conflict", param: "input", cause: error });
  }
}

/** @throws {ApiError} 404 when the previous response is not there or somebody else's; 400 for another conversation. */
async function assertParent(
  queryable: Queryable,
  principal: Principal,
  { conversationId, previousResponseId }: CreateRequest,
  asked: ResponseRecord,
): Promise<void> {
  if (previousResponseId !== null && previousResponseId !== asked.responseId) {
    const previous = await readResponse(queryable, previousResponseId, principal);
    if (!previous) throw parentNotFound("previous_response_id", "response", previousResponseId);
  }
  if (conversationId === null || conversationId === asked.conversationId) return;
  throw new ApiError(400, "What is answered belongs to another conversation.", {
    code: "invalid_value",
    param: "conversation",
  });
}

async function recordResponse(
  transaction: Queryable,
  { principal, request, answers, requestHash, idempotencyKey }: ResumeOptions,
  { asked, leftOpen }: Answers,
): Promise<ResponseRecord> {
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
  const record = await insertResponse(transaction, response);
  if (record) return record;
  const [row] = await transaction.query(
    `select response_id from timestep.responses
     where run_id = $1 and segment = $2::int and still_pending is null`,
    [response.runId, response.segment],
  );
  const known = row && await readResponse(transaction, String(row["response_id"]), principal);
  if (known) return known;
  throw new ApiError(404, "The response to these answers was deleted.", { code: "not_found" });
}
