import type { ModelResponse, RunToolApprovalItem } from "@openai/agents";
import type { AnyAgent } from "../agents/any_agent.ts";
import type { AnyRunState } from "./envelope.ts";

/** A call that a paused run waits for, or on which somebody has decided. */
export interface InterruptionFacts {
  /** The call's id; with a number behind it when agents used as tools gave several calls the same. */
  interruptionId: string;
  /** `function_call`, `hosted_tool_call` and so on: the type of the call's item. */
  kind: string;
  agentName: string;
  toolName: string;
  callId: string | null;
  /** JSON text, as the model wrote it. */
  arguments: string | null;
  status: "pending" | "approved" | "rejected";
  /** What the model is told about a rejection. */
  message: string | null;
}

/** Tokens used since a run's beginning. */
export interface ModelUsage {
  model: string;
  requests: number;
  inputTokens: number;
  cachedInputTokens: number;
  outputTokens: number;
  reasoningTokens: number;
  totalTokens: number;
}

/** The calls that a run waits for, with the decisions that were taken so far. */
export function interruptionsOf(state: AnyRunState): InterruptionFacts[] {
  const seen = new Map<string, number>();
  return state.getInterruptions().map((item) => {
    const row = toRow(state, item);
    const count = (seen.get(row.interruptionId) ?? 0) + 1;
    seen.set(row.interruptionId, count);
    return count === 1 ? row : { ...row, interruptionId: `${row.interruptionId}#${count}` };
  });
}

function toRow(state: AnyRunState, item: RunToolApprovalItem): InterruptionFacts {
  const { rawItem, agent } = item;
  const callId = "callId" in rawItem ? rawItem.callId : rawItem.id ?? null;
  const toolName = item.name ?? rawItem.type;
  const functionTool = rawItem.type === "function_call";
  const approved = callId === null ? undefined : state._context.isToolApproved({ toolName, callId });
  const message = approved === false && callId !== null
    ? state._context.getRejectionMessage(toolName, callId, { functionTool }) ?? null
    : null;
  return {
    interruptionId: callId ?? toolName,
    kind: rawItem.type,
    agentName: agent.name,
    toolName: toolName,
    callId: callId,
    arguments: item.arguments ?? null,
    status: approved === undefined ? "pending" : approved ? "approved" : "rejected",
    message,
  };
}

/**
 * The tokens that a run has used, model by model. A response tells its model when the provider does; what is used
 * beside the run's own responses, by agents used as tools, counts for the model of the run's agent.
 */
export function usageOf(agent: AnyAgent, state: AnyRunState): ModelUsage[] {
  const rows = new Map<string, ModelUsage>();
  const rest = emptyRow(modelName(agent));
  count(rest, state.usage, 1);
  for (const response of state._modelResponses) {
    const model = modelOf(response) ?? rest.model;
    const row = rows.get(model) ?? emptyRow(model);
    rows.set(model, row);
    count(row, response.usage, 1);
    count(rest, response.usage, -1);
  }
  if (rest.requests > 0 || rest.totalTokens > 0) {
    const known = rows.get(rest.model);
    rows.set(rest.model, known ? sum(known, rest) : rest);
  }
  return [...rows.values()];
}

function modelName(agent: AnyAgent): string {
  const { model } = agent;
  if (typeof model === "string") return model === "" ? "default" : model;
  return model.constructor.name;
}

function modelOf({ providerData }: ModelResponse): string | undefined {
  const model: unknown = providerData?.["model"];
  return typeof model === "string" && model !== "" ? model : undefined;
}

function emptyRow(model: string): ModelUsage {
  return {
    model,
    requests: 0,
    inputTokens: 0,
    cachedInputTokens: 0,
    outputTokens: 0,
    reasoningTokens: 0,
    totalTokens: 0,
  };
}

function count(row: ModelUsage, usage: ModelResponse["usage"], sign: 1 | -1): void {
  row.requests += sign * usage.requests;
  row.inputTokens += sign * usage.inputTokens;
  row.outputTokens += sign * usage.outputTokens;
  row.totalTokens += sign * usage.totalTokens;
  row.cachedInputTokens += sign * detail(usage.inputTokensDetails, "cached_tokens");
  row.reasoningTokens += sign * detail(usage.outputTokensDetails, "reasoning_tokens");
}

function detail(details: Record<string, number>[], name: string): number {
  return details.reduce((total, entry) => total + (entry[name] ?? 0), 0);
}

function sum(a: ModelUsage, b: ModelUsage): ModelUsage {
  return {
    model: a.model,
    requests: a.requests + b.requests,
    inputTokens: a.inputTokens + b.inputTokens,
    cachedInputTokens: a.cachedInputTokens + b.cachedInputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    reasoningTokens: a.reasoningTokens + b.reasoningTokens,
    totalTokens: a.totalTokens + b.totalTokens,
  };
}
