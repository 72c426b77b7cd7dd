import { getHandoff, type ModelResponse, type RunToolApprovalItem } from "@openai/agents";
import type { AnyAgent } from "../agents/any_agent.ts";
import { countUsage, type ModelUsage, noUsage, usageName } from "../agents/model_usage.ts";
import type { RunInterruption } from "../core/run_interruption.ts";
import { storableId, storableText } from "../core/storable_id.ts";
import type { AnyRunState } from "./envelope.ts";

/** A call that a paused run waits for, or on which somebody has decided. */
export interface InterruptionFacts extends RunInterruption {
  status: "pending" | "approved" | "rejected";
  /** Whether the decision goes for every later call of the tool in the run. */
  always: boolean;
  /** What the model is told about a rejection. */
  message: string | null;
}

/**
 * The calls that a run waits for, with the decisions that were taken so far.
 *
 * @param before Calls that it waited for earlier: decided since, they are not in the state any more.
 */
export function interruptionsOf(
  state: AnyRunState,
  before: readonly NumberedCall[] = [],
): InterruptionFacts[] {
  const numbered = [...before, ...numberCalls(state)];
  return [...new Map(numbered.map(([id, item]) => [id, factsOf(state, id, item)])).values()];
}

/** A call that a run waits for, with the id that it is recorded by. */
export type NumberedCall = readonly [id: string, item: RunToolApprovalItem];

/**
 * Gives the calls that a run waits for their ids: with the agent's name when it is used as a tool, since two may give
 * calls the same id. To be kept, as the run may be another agent's when they are decided.
 */
export function numberCalls(state: AnyRunState): NumberedCall[] {
  const seen = new Map<string, number>();
  return state.getInterruptions().map((item) => {
    const own = storableId(callIdOf(item) ?? nameOf(item));
    const id = item.agent.name === state._currentAgent.name ? own : `${storableText(item.agent.name)}:${own}`;
    const count = (seen.get(id) ?? 0) + 1;
    seen.set(id, count);
    return [count === 1 ? id : `${id}#${count}`, item];
  });
}

function callIdOf({ rawItem }: RunToolApprovalItem): string | null {
  return ("callId" in rawItem ? rawItem.callId : rawItem.id) ?? null;
}

function nameOf({ name, rawItem }: RunToolApprovalItem): string {
  return name ?? rawItem.type;
}

function factsOf(state: AnyRunState, id: string, item: RunToolApprovalItem): InterruptionFacts {
  const callId = callIdOf(item);
  const { rawItem } = item;
  const args = item.arguments ?? rawItem.providerData?.["arguments"];
  return {
    interruptionId: id,
    kind: rawItem.type,
    agentName: storableText(item.agent.name),
    toolName: storableText(nameOf(item)),
    callId: callId === null ? null : storableId(callId),
    arguments: typeof args === "string" ? storableText(args) : null,
    ...decisionOn(state, item),
  };
}

type DecisionFacts = Pick<InterruptionFacts, "status" | "always" | "message">;

function decisionOn(state: AnyRunState, item: RunToolApprovalItem): DecisionFacts {
  const callId = callIdOf(item);
  const pending: DecisionFacts = { status: "pending", always: false, message: null };
  if (callId === null) return pending;
  const toolName = nameOf(item);
  // Keyed by tool alone, this holds decisions about hosted tools, too, which `isToolApproved()` does not know.
  const record = state._context.toJSON().approvals[toolName];
  // Of function calls the SDK also takes the agent, which its types leave out: call ids of two may be the same.
  const query = { toolName, callId, ...(item.rawItem.type === "function_call" ? { agent: item.agent } : {}) };
  const approved = state._context.isToolApproved(query) ??
    (item.rawItem.type === "function_call" ? undefined : decisionIn(record, callId));
  if (approved === undefined) return pending;
  if (approved) return { status: "approved", always: record?.approved === true, message: null };
  const message = state._context.getRejectionMessage(toolName, callId) ?? record?.messages?.[callId];
  return {
    status: "rejected",
    always: record?.rejected === true,
    message: message === undefined ? null : storableText(message),
  };
}

type ApprovalRecord = ReturnType<AnyRunState["_context"]["toJSON"]>["approvals"][string];

function decisionIn(record: ApprovalRecord | undefined, callId: string): boolean | undefined {
  const isIn = (calls: boolean | string[]) => Array.isArray(calls) ? calls.includes(callId) : calls;
  if (record && isIn(record.approved)) return true;
  return record && isIn(record.rejected) ? false : undefined;
}

/** What the last agent answered; undefined when the run has not ended with an answer. */
export function finalOutputOf(state: AnyRunState): unknown {
  const step = state._currentStep;
  return step?.type === "next_step_final_output" && step.output !== undefined
    ? state._currentAgent.processFinalOutput(step.output)
    : undefined;
}

/**
 * The tokens that a run has used, model by model. What is used beside the run's own responses, by agents used as
 * tools, counts for the model of the run's agent.
 *
 * @param agent The one that the run started with.
 */
export function usageOf(agent: AnyAgent, state: AnyRunState): ModelUsage[] {
  const rows = new Map<string, ModelUsage>();
  const rowOf = ({ model }: AnyAgent): ModelUsage => {
    const name = storableText(usageName(model));
    const row = rows.get(name) ?? noUsage(name);
    rows.set(name, row);
    return row;
  };
  const rest = rowOf(agent);
  countUsage(rest, state.usage);
  let asked = agent;
  for (const response of state._modelResponses) {
    countUsage(rest, response.usage, -1);
    countUsage(rowOf(asked), response.usage);
    asked = handedOverTo(asked, response) ?? asked;
  }
  return [...rows.values()].filter(({ requests, totalTokens }) => requests > 0 || totalTokens > 0);
}

/** The agent to which a response hands over: of several calls that would, the SDK follows the first. */
function handedOverTo({ handoffs }: AnyAgent, { output }: ModelResponse): AnyAgent | undefined {
  const targets = new Map(handoffs.map(getHandoff).map(({ toolName, agent }) => [toolName, agent]));
  const call = output.find((item) => item.type === "function_call" && targets.has(item.name));
  return call?.type === "function_call" ? targets.get(call.name) : undefined;
}
