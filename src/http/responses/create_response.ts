import { createHash } from "node:crypto";
import { StatementError } from "../../database/database_error.ts";
import type { Database } from "../../database/database.ts";
import { readJson } from "../_body.ts";
import type { Call } from "../_context.ts";
import { ApiError, invalid } from "../api_error.ts";
import { mayUseAgent, ownerIdOf, type Principal } from "../principal.ts";
import { approvalResponsesAtEnd } from "./approvals.ts";
import { findItem } from "./find_item.ts";
import { resolveReferences, toAgentInput, toInputItems } from "./input.ts";
import { newResponseId } from "./insert_response.ts";
import { type CreateRequest, parseCreateRequest } from "./request.ts";
import { RESPONSE_COLUMNS, type ResponseRecord, toResponseRecord } from "./response_record.ts";
import { streamResponse } from "./stream_response.ts";
import { waitForResponse } from "./wait_for_response.ts";
import { currentResponse } from "./read_response.ts";

/** Answers `POST /v1/responses`. */
export async function createResponse(call: Call): Promise<Response> {
  const { context } = call;
  const body = await readJson(call.request, context.limits);
  const request = parseCreateRequest(body, context.limits.inputItems);
  const record = await findOrStart(call, request, hashOf(body));
  if (request.stream) return await streamResponse(call, record, -1);
  if (!request.background) return Response.json(await waitForResponse(call, record));
  return Response.json(await currentResponse(await context.database(), await context.watcher(), record));
}

async function findOrStart(call: Call, request: CreateRequest, requestHash: string): Promise<ResponseRecord> {
  const { context, principal } = call;
  const database = await context.database();
  const idempotencyKey = idempotencyKeyOf(call.request);
  const isRetry = Number(call.request.headers.get("x-stainless-retry-count") ?? 0) > 0;
  const known = idempotencyKey !== null
    ? await findByKey(database, principal, idempotencyKey, requestHash)
    : isRetry
    ? await findByHash(database, principal, requestHash)
    : undefined;
  if (known) return known;
  try {
    return await start(call, request, { requestHash, idempotencyKey, isRetry });
  } catch (error) {
    // The same key at the same time: the other request was faster.
    if (!(error instanceof StatementError) || error.sqlState !== "23505" || idempotencyKey === null) {
      throw error;
    }
    const winner = await findByKey(database, principal, idempotencyKey, requestHash);
    if (winner) return winner;
    throw error;
  }
}

interface Identity {
  requestHash: string;
  idempotencyKey: string | null;
  isRetry: boolean;
}

async function start(call: Call, request: CreateRequest, identity: Identity): Promise<ResponseRecord> {
  const { context, principal } = call;
  const database = await context.database();
  const items = toInputItems(request.input);
  const responses = approvalResponsesAtEnd(items);
  if (responses.length > 0) {
    const { launch } = await import("./start_response.ts");
    await launch(context.agents);
    const { resumeResponse } = await import("./resume_response.ts");
    return await resumeResponse(database, { principal, request, responses, ...identity });
  }
  const agentName = agentOf(call, request);
  const watcher = await context.watcher();
  const resolved = await resolveReferences(items, (id) => findItem(database, watcher, principal, id));
  const agentInput = toAgentInput(resolved, principal);
  if (agentInput.length === 0) throw invalid("input", "'input' has no item for the agent.");
  const { startResponse } = await import("./start_response.ts");
  return await startResponse(context.agents, {
    principal,
    request,
    agentName,
    items: resolved,
    agentInput,
    ...identity,
    concurrentRuns: context.limits.concurrentRuns,
    responseId: newResponseId(),
  });
}

/** The agent that the request names, or the only one that there is. */
function agentOf({ context, principal }: Call, { model }: CreateRequest): string {
  const names = context.agents.names.filter((name) => mayUseAgent(principal, name));
  const [only] = names;
  if (model === null && only !== undefined && names.length === 1) return only;
  if (model === null) {
    throw invalid("model", "'model' is missing: name the agent. GET /v1/models lists them.");
  }
  if (names.includes(model)) return model;
  throw new ApiError(404, `No agent '${model}' found. GET /v1/models lists them.`, {
    code: "model_not_found",
    param: "model",
  });
}

function idempotencyKeyOf(request: Request): string | null {
  const key = request.headers.get("idempotency-key");
  if (key === null || (key.length > 0 && key.length <= 255)) return key;
  throw invalid("idempotency-key", "The 'idempotency-key' header has to have 1 to 255 characters.");
}

async function findByKey(
  database: Database,
  principal: Principal,
  key: string,
  requestHash: string,
): Promise<ResponseRecord | undefined> {
  const [row] = await database.query(
    `select ${RESPONSE_COLUMNS} from timestep.responses r
     where coalesce(r.owner_id, '') = coalesce($1, '') and r.idempotency_key = $2`,
    [ownerIdOf(principal), key],
  );
  const record = row && toResponseRecord(row);
  if (!record || record.requestHash === requestHash) return record;
  throw new ApiError(422, "This Idempotency-Key was used for another request. Use a new one.", {
    code: "idempotency_key_reused",
    param: "idempotency-key",
  });
}

/** A client that tries again, without a key, can only mean the last request that was the same, a short time ago. */
async function findByHash(
  database: Database,
  principal: Principal,
  requestHash: string,
): Promise<ResponseRecord | undefined> {
  const [row] = await database.query(
    `select ${RESPONSE_COLUMNS} from timestep.responses r
     where r.owner_id is not distinct from $1 and r.request_hash = $2
       and r.created_at > now() - interval '10 minutes' and r.deleted_at is null
     order by r.number desc limit 1`,
    [ownerIdOf(principal), requestHash],
  );
  return row && toResponseRecord(row);
}

function hashOf(body: unknown): string {
  return createHash("sha256").update(JSON.stringify(body)).digest("hex");
}
