import { type AgentInputItem, getHandoff } from "@openai/agents";
import { z } from "zod";
import type { CallerTool } from "../../durable/caller_tool.ts";
import type { AnyAgent } from "../../run/types.ts";
import type { Limits } from "../limits.ts";
import type { Queryable } from "../../database/database.ts";
import { registerAgent } from "../../durable/registry.ts";
import { forgetWritten, keepWritten } from "../../durable/segment_ends.ts";
import { dispatchDatabase } from "../../workflows/_database.ts";
import { waitForRun } from "../../workflows/_wait_for_run.ts";
import { handOver, launchedEngine } from "../../workflows/launch_dbos.ts";
import { claimantOf } from "../../workflows/_claim_directly.ts";
import { DIRECT_QUEUE } from "../../workflows/_dispatch.ts";
import { type Claimant, claimParameters, startParameters } from "../../workflows/_start_run.ts";
import { useConfiguration } from "../../workflows/configure_dbos.ts";
import { keepAliveFor, onShutdown, outlivesRequests } from "../_edge_runtime.ts";
import type { AgentCatalog } from "../agent_catalog.ts";
import { ApiError, invalid } from "../api_error.ts";
import { ownerIdOf, type Principal } from "../principal.ts";
import { newId } from "../_ids.ts";
import { recordedInput } from "./insert_response.ts";
import { lockParent, type SessionOfParent } from "./parent.ts";
import type { CreateRequest } from "./request.ts";
import type { ResponseRecord } from "./response_record.ts";

// This module loads the Agents SDK: only requests that start runs import it.

/** What a new response is made of. */
export interface StartOptions {
  principal: Principal;
  request: CreateRequest;
  agentName: string;
  /** The request's items without references, for the record. */
  items: readonly Record<string, unknown>[];
  /** The same for the agent. */
  agentInput: AgentInputItem[];
  requestHash: string;
  idempotencyKey: string | null;
  isRetry: boolean;
  /** The functions that the caller offers, and the agent takes. */
  callerTools: CallerTool[];
  /** How many times the run may ask its model; `undefined`: as the SDK has it. */
  maxTurns: number | null | undefined;
  limits: Limits;
  responseId: string;
}

/** Makes this process one that executes runs, of all agents that are served. */
export async function launch(agents: AgentCatalog): Promise<void> {
  for (const agent of await agents.loadAll()) registerAgent(agent);
  await launchedEngine();
  if (watchesShutdown) return;
  watchesShutdown = true;
  // The little time that an isolate is given then is enough to let go of its runs.
  onShutdown(() => void handOver({ deadline: new Date() }));
}

let watchesShutdown = false;

/** A response that is committed. */
export interface StartedResponse {
  record: ResponseRecord;
  /** Resolves when this process no longer executes its run; left out when it does not. */
  executing?: Promise<unknown>;
}

/**
 * Records a response with its run, and starts it: in this process, or in the background in whatever process is
 * free. It is committed when this resolves.
 *
 * @throws {ApiError} When the parent is not there or not over, or there are too many runs.
 */
export async function startResponse(agents: AgentCatalog, options: StartOptions): Promise<StartedResponse> {
  const { principal, request, agentName, requestHash, callerTools } = options;
  const agent = (await agents.loadAll()).find(({ name }) => name === agentName);
  if (!agent) throw new TypeError(`Agent "${agentName}" is not served.`);
  assertNewNames(agent, callerTools);
  if (request.wantsJson && agent.outputType === "text") {
    const message =
      `Agent '${agentName}' answers in text. Leave 'text.format' out, or give the agent an outputType.`;
    throw invalid("text.format", message, "unsupported_value");
  }
  await launch(agents);
  const engine = await launchedEngine();
  const database = await dispatchDatabase();
  // On Supabase what is in the background is left to workers, who ask for it within half a second.
  const claimant = engine && (!request.background || outlivesRequests()) ? claimantOf(engine) : undefined;
  const goesOn = request.conversationId !== null || request.previousResponseId !== null;
  const { record, claimed } = goesOn
    ? await database.transaction(async (transaction) => {
      const parent = await lockParent(transaction, principal, request, requestHash, options.isRetry);
      if ("attached" in parent) return { record: parent.attached, claimed: false };
      return await insert(transaction, agent, options, parent, claimant);
    })
    : await insert(database, agent, options, newParent(principal), claimant);
  if (!claimed || !engine || !claimant) return { record };
  const { runId } = record;
  const forget = () => forgetWritten(runId);
  // Who streams it reads what is written.
  if (!request.stream && !request.background) keepWritten(runId);
  await engine.dispatch([runId], claimant.ownerToken).catch((error) => {
    forget();
    throw error;
  });
  // Also when the client goes away.
  keepAliveFor(() => waitForRun(database, runId));
  return { record, executing: engine.whileExecuting(runId).finally(forget) };
}

/** A conversation that is not listed as one: the history of responses that follow each other. */
function newParent(principal: Principal): SessionOfParent {
  return { sessionId: newId("resp"), isNew: true, ownerId: ownerIdOf(principal) };
}

/** Records the response with its run, in one statement. */
async function insert(
  queryable: Queryable,
  agent: AnyAgent,
  options: StartOptions,
  { sessionId, isNew, ownerId }: SessionOfParent,
  claimant: Claimant | undefined,
): Promise<{ record: ResponseRecord; claimed: boolean }> {
  const { principal, request, agentInput, callerTools, limits, responseId } = options;
  const run = {
    agent,
    input: agentInput,
    sessionId,
    stream: request.stream || request.background,
    ...(ownerId === null ? {} : { ownerId }),
    ...(callerTools.length > 0 ? { callerTools } : {}),
    ...(options.maxTurns !== undefined ? { maxTurns: options.maxTurns } : {}),
  };
  const prepared = { agent, run, sessionKind: "database" as const, timeoutSeconds: undefined };
  const dispatch = { applicationName: useConfiguration().name, queueName: DIRECT_QUEUE };
  const record = newRecord(options, { sessionId, ownerId });
  const isLimited = ownerIdOf(principal) !== null;
  const [row] = await queryable.query(START_RESPONSE, [
    ...startParameters(responseId, prepared, dispatch),
    ...claimParameters(claimant),
    isNew,
    record.previousResponseId,
    record.conversationId,
    JSON.stringify(record.input),
    JSON.stringify(record.metadata),
    record.background,
    options.idempotencyKey,
    record.requestHash,
    isLimited ? limits.concurrentRuns : null,
    isLimited ? limits.requestsPerMinute : null,
  ]);
  const started = startedSchema.parse(row?.["started"]);
  if (!("number" in started)) throw noRoom(started.state, limits);
  const { state, ...given } = started;
  return { record: { ...record, ...given }, claimed: state === "claimed" };
}

const START_RESPONSE = `
select timestep.start_response(
  $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::bool, $14, $15, $16, $17, $18::bool, $19, $20, $21::int, $22::int
) as started`;

const startedSchema = z.discriminatedUnion("state", [
  z.object({
    state: z.enum(["queued", "claimed"]),
    number: z.number(),
    createdAt: z.string().transform((text) => new Date(text)),
  }),
  z.object({ state: z.enum(["recent", "active"]) }),
]);

/** The record, but for what the database gives it. */
function newRecord(
  { request, responseId, agentName, items, requestHash, callerTools }: StartOptions,
  { sessionId, ownerId }: { sessionId: string; ownerId: string | null },
): Omit<ResponseRecord, "number" | "createdAt"> {
  const { previousResponseId, conversationId, metadata, background } = request;
  return {
    responseId,
    runId: responseId,
    ownerId,
    segment: 0,
    agentName,
    sessionId,
    previousResponseId,
    conversationId,
    input: recordedInput(items),
    metadata,
    background,
    requestHash,
    stillPending: null,
    callerTools,
  };
}

/** @throws {ApiError} 400 when a function would stand in the place of one of the agent's own tools. */
function assertNewNames(agent: AnyAgent, callerTools: readonly CallerTool[]): void {
  const own = new Set([
    ...agent.tools.map(({ name }) => name),
    ...agent.handoffs.map((handoff) => getHandoff(handoff).toolName),
  ]);
  const index = callerTools.findIndex(({ name }) => own.has(name));
  if (index < 0) return;
  const { name } = callerTools[index] ?? { name: "" };
  throw invalid(
    `tools[${index}].name`,
    `The agent has a tool '${name}' of its own. Give yours another name.`,
  );
}

function noRoom(exceeded: "recent" | "active", { concurrentRuns, requestsPerMinute }: Limits): ApiError {
  return exceeded === "recent"
    ? new ApiError(429, `${requestsPerMinute} runs were begun within a minute. Slow down.`, {
      code: "rate_limit_exceeded",
      retryAfterSeconds: 60,
    })
    : new ApiError(429, `${concurrentRuns} runs are under way already. Wait for one to end.`, {
      code: "concurrent_runs_exceeded",
      retryAfterSeconds: 5,
    });
}
