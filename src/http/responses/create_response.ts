import { createHash } from "node:crypto";
import type { Database } from "../../database/database.ts";
import { StatementError } from "../../database/database_error.ts";
import type { CallerTool } from "../../durable/caller_tool.ts";
import { readJson } from "../_body.ts";
import type { Call } from "../_context.ts";
import { lazily } from "../_lazily.ts";
import { ApiError, invalid } from "../api_error.ts";
import { mayUseAgent, type Principal } from "../principal.ts";
import { answersAtEnd } from "./answers.ts";
import { findItem } from "./find_item.ts";
import { resolveReferences, toAgentInput, toInputItems, userMessage } from "./input.ts";
import { newResponseId } from "./insert_response.ts";
import { type CreateRequest, parseCreateRequest } from "./request.ts";
import { begunResponse } from "./response_object.ts";
import { readResponseOfKey, readResponseOfRequest, type ResponseRecord } from "./response_record.ts";
import type { StartedResponse } from "./start_response.ts";
import { streamResponse } from "./stream_response.ts";
import { waitForResponse } from "./wait_for_response.ts";
import { currentResponse, readerOf } from "./read_response.ts";

// Loads the Agents SDK: with the first request that starts a run.
const starting = lazily(() => import("./start_response.ts"));

/** Answers `POST /v1/responses`. */
export async function createResponse(call: Call): Promise<Response> {
  const { context } = call;
  const body = await readJson(call.request, context.limits);
  const request = parseCreateRequest(body, context.limits.inputItems);
  const { record, executing } = await findOrStart(call, request, hashOf(body));
  if (request.stream) return await streamResponse(call, record, -1);
  if (!request.background) return Response.json(await waitForResponse(call, record, executing));
  // It has just begun here: as OpenAI says it, without a look at how far it is.
  if (executing) return Response.json(begunResponse(record));
  return Response.json(await currentResponse(await readerOf(call), record));
}

async function findOrStart(
  call: Call,
  request: CreateRequest,
  requestHash: string,
): Promise<StartedResponse> {
  const { context, principal } = call;
  const database = await context.database();
  const idempotencyKey = idempotencyKeyOf(call.request);
  const isRetry = Number(call.request.headers.get("x-stainless-retry-count") ?? 0) > 0;
  const known = idempotencyKey !== null
    ? await findByKey(database, principal, idempotencyKey, requestHash)
    : isRetry
    ? await findByHash(database, principal, requestHash)
    : undefined;
  if (known) return { record: known };
  try {
    return await start(call, request, { requestHash, idempotencyKey, isRetry });
  } catch (error) {
    // The same key at the same time: the other request was faster.
    if (!(error instanceof StatementError) || error.sqlState !== "23505" || idempotencyKey === null) {
      throw error;
    }
    const winner = await findByKey(database, principal, idempotencyKey, requestHash);
    if (winner) return { record: winner };
    // It is another agent's, which this caller's key may not know of.
    throw keyReused();
  }
}

interface Identity {
  requestHash: string;
  idempotencyKey: string | null;
  isRetry: boolean;
}

async function start(call: Call, request: CreateRequest, identity: Identity): Promise<StartedResponse> {
  const { context, principal } = call;
  const database = await context.database();
  const items = toInputItems(request.input);
  const answers = answersAtEnd(items);
  if (answers.length > 0) {
    const { launch } = await starting();
    await launch(context.agents);
    const { resumeResponse } = await import("./resume_response.ts");
    return await resumeResponse(database, { principal, request, answers, ...identity });
  }
  const agentName = agentOf(call, request);
  const reader = await readerOf(call);
  const { input } = request;
  const isText = typeof input === "string";
  const { bodyBytes } = context.limits;
  const resolved = isText ? items : await resolveReferences(items, (id) => findItem(reader, id), bodyBytes);
  const agentInput = isText ? [userMessage(input)] : toAgentInput(resolved, principal);
  if (agentInput.length === 0) throw invalid("input", "'input' has no item for the agent.");
  const { startResponse } = await starting();
  return await startResponse(context.agents, {
    principal,
    request,
    agentName,
    items: resolved,
    agentInput,
    ...identity,
    callerTools: acceptedTools(call, request, agentName),
    maxTurns: context.maxTurnsOf(agentName),
    limits: context.limits,
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

/**
 * The functions that the caller offers, if the agent takes any.
 *
 * @throws {ApiError} 400 when it does not: a tool that is passed over would be missed later, and in silence.
 */
function acceptedTools({ context }: Call, { tools }: CreateRequest, agentName: string): CallerTool[] {
  if (tools.length === 0 || context.callerTools.has(agentName)) return tools;
  throw invalid(
    "tools",
    `Agent '${agentName}' takes no functions from its callers. Leave 'tools' out, or have it served with callerTools.`,
    "tools_not_accepted",
  );
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
  const record = await readResponseOfKey(database, principal, key);
  // One owner's keys for several agents share their idempotency keys, but not what they may see.
  if (!record || record.requestHash === requestHash && mayUseAgent(principal, record.agentName)) {
    return record;
  }
  throw keyReused();
}

function keyReused(): ApiError {
  return new ApiError(422, "This Idempotency-Key was used for another request. Use a new one.", {
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
  const record = await readResponseOfRequest(database, principal, requestHash);
  return record && mayUseAgent(principal, record.agentName) ? record : undefined;
}

function hashOf(body: unknown): string {
  return createHash("sha256").update(JSON.stringify(body)).digest("hex");
}
