import { type AgentInputItem, getHandoff } from "@openai/agents";
import type { CallerTool } from "../../durable/caller_tool.ts";
import type { AnyAgent } from "../../run/types.ts";
import type { Limits } from "../limits.ts";
import type { Database } from "../../database/database.ts";
import { registerAgent } from "../../durable/registry.ts";
import { dispatchDatabase } from "../../workflows/_database.ts";
import { waitForRun } from "../../workflows/_wait_for_run.ts";
import { handOver, launchedEngine } from "../../workflows/launch_dbos.ts";
import { startDirectly } from "../../workflows/run_agent_workflow.ts";
import { keepAliveFor, onShutdown } from "../_edge_runtime.ts";
import type { AgentCatalog } from "../agent_catalog.ts";
import { ApiError, invalid } from "../api_error.ts";
import { ownerIdOf, type Principal } from "../principal.ts";
import { insertResponse, type NewResponse } from "./insert_response.ts";
import { lockParent } from "./parent.ts";
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

/**
 * Records a response with its run, and starts it: in this process, or in the background in whatever process is
 * free. It is committed when this resolves.
 *
 * @throws {ApiError} When the parent is not there or not over, or there are too many runs.
 */
export async function startResponse(agents: AgentCatalog, options: StartOptions): Promise<ResponseRecord> {
  const { principal, request, agentName, agentInput, requestHash, callerTools } = options;
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
  const ownerToken = crypto.randomUUID();
  const runId = options.responseId;
  const { record, claimed } = await database.transaction(async (transaction) => {
    const parent = await lockParent(transaction, principal, request, requestHash, options.isRetry);
    if ("attached" in parent) return { record: parent.attached, claimed: false };
    const { sessionId, ownerId } = parent;
    await assertRoom(transaction, principal, options.limits);
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
    // What is in the background is left to whoever has time; workers ask for it within half a second.
    const here = request.background ? undefined : engine;
    const claimed = await startDirectly(transaction, runId, prepared, here, ownerToken);
    const record = await insertResponse(transaction, toNewResponse(options, parent));
    if (!record) throw new Error(`Response "${runId}" was recorded before its run.`);
    return { record, claimed };
  });
  if (claimed) {
    await engine?.dispatch([runId], ownerToken);
    // Also when the client goes away.
    keepAliveFor(() => waitForRun(database, runId));
  }
  return record;
}

function toNewResponse(
  options: StartOptions,
  { sessionId, ownerId }: { sessionId: string; ownerId: string | null },
): NewResponse {
  const { request, responseId, agentName, items, requestHash, idempotencyKey } = options;
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
    input: items,
    metadata,
    background,
    idempotencyKey,
    requestHash,
    stillPending: null,
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

async function assertRoom(
  queryable: Pick<Database, "query">,
  principal: Principal,
  { concurrentRuns, requestsPerMinute }: Limits,
): Promise<void> {
  const ownerId = ownerIdOf(principal);
  if (ownerId === null) return;
  const [row] = await queryable.query("select active, recent from timestep.count_runs($1)", [ownerId]);
  if (Number(row?.["recent"]) >= requestsPerMinute) {
    throw new ApiError(429, `${requestsPerMinute} runs were begun within a minute. Slow down.`, {
      code: "rate_limit_exceeded",
      retryAfterSeconds: 60,
    });
  }
  if (Number(row?.["active"]) < concurrentRuns) return;
  throw new ApiError(429, `${concurrentRuns} runs are under way already. Wait for one to end.`, {
    code: "concurrent_runs_exceeded",
    retryAfterSeconds: 5,
  });
}
