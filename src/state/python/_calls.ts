import { functionFingerprint, hostedMcpFingerprint } from "./_fingerprint.ts";
import { hostedRequest, toolKey } from "./_run_items.ts";
import { at, type PythonRunItem, type PythonState } from "./_python_state.ts";
import { RESUME_THERE, StateTranslationError } from "./translation_error.ts";

/** A call of a tool in a run's history. */
export interface Call {
  agent: string;
  fingerprint: string;
  path: string;
  /** Indexes among the run's translated items. */
  callIndex: number;
  outputIndex: number | null;
}

/** An item of the run's history, with its place in the saved state. */
export interface PlacedItem {
  item: PythonRunItem;
  path: string;
}

/**
 * Accounts for every call of a run: an output completes it, or it waits.
 *
 * @param items The run's history, without questions for approval.
 * @param waiting The ids of the calls that wait for a decision, or in which a nested run does.
 * @throws {StateTranslationError} `call_unaccounted` when a call may have run although no output is known: it would
 * run again. `call_id_reused`. `malformed_state` for an output without a call.
 */
export function accountForCalls(
  items: readonly PlacedItem[],
  waiting: ReadonlySet<string>,
  ledger: PythonState["context"]["tool_invocations"],
): ReadonlyMap<string, Call> {
  const calls = new Map<string, Call>();
  for (const [index, { item, path }] of items.entries()) {
    const called = calledBy(item, path);
    if (called) {
      if (calls.has(called.id)) throw reused(called.id, path);
      const { id, fingerprint } = called;
      calls.set(id, { agent: item.agent.name, fingerprint, path, callIndex: index, outputIndex: null });
    }
    const completed = completedBy(item);
    if (completed === undefined) continue;
    const call = calls.get(completed);
    if (!call) {
      throw new StateTranslationError(
        "malformed_state",
        at(path, "raw_item"),
        `it holds the output of a call that it does not hold. ${RESUME_THERE}`,
      );
    }
    call.outputIndex = index;
  }
  for (const [id, { outputIndex, path }] of calls) {
    const isExecuted = ledger?.[id]?.executed === true;
    if (outputIndex === null && !waiting.has(id)) throw unaccounted(id, path, isExecuted);
  }
  return calls;
}

function calledBy(item: PythonRunItem, path: string): { id: string; fingerprint: string } | null {
  const raw = item.raw_item;
  if (raw["type"] === "mcp_approval_request" && item.type === "mcp_approval_request_item") {
    const { id, server_label, name, arguments: args } = hostedRequest(raw, at(path, "raw_item"));
    return { id, fingerprint: hostedMcpFingerprint(server_label, name, args) };
  }
  if (raw["type"] !== "function_call") return null;
  if (item.type !== "tool_call_item" && item.type !== "handoff_call_item") return null;
  const name = item.type === "handoff_call_item" ? `handoff:${raw["name"]}` : toolKey(raw, undefined, path);
  return { id: String(raw["call_id"]), fingerprint: functionFingerprint(name, String(raw["arguments"])) };
}

function completedBy({ type, raw_item: raw }: PythonRunItem): string | undefined {
  if (type === "tool_call_output_item" || type === "handoff_output_item") return String(raw["call_id"]);
  if (type === "mcp_approval_response_item") return String(raw["approval_request_id"]);
  return undefined;
}

function reused(id: string, path: string): StateTranslationError {
  return new StateTranslationError(
    "call_id_reused",
    path,
    `two calls have the id "${id}", so that their outputs cannot be told apart. ${RESUME_THERE}`,
  );
}

function unaccounted(id: string, path: string, isExecuted: boolean): StateTranslationError {
  const why = isExecuted ? "was begun" : "does not wait for a decision: it may have been begun";
  return new StateTranslationError(
    "call_unaccounted",
    path,
    `the call "${id}" has no output and ${why}, and would run again. ${RESUME_THERE}`,
  );
}

/** The calls as the TypeScript SDK keeps them: those completed, and what proves it. */
export function completedInvocations(calls: ReadonlyMap<string, Call>): Record<string, unknown> {
  const completed = new Map<string, Record<string, string>>();
  const evidence = new Map<string, Record<string, unknown>>();
  for (const [id, { agent, fingerprint, callIndex, outputIndex }] of calls) {
    if (outputIndex === null) continue;
    completed.set(agent, { ...completed.get(agent), [id]: fingerprint });
    const items = [{ generatedItemIndex: callIndex }, { generatedItemIndex: outputIndex }];
    evidence.set(agent, { ...evidence.get(agent), [id]: { fingerprint, items } });
  }
  return {
    completedToolInvocations: byAgent(completed),
    completedToolInvocationEvidence: byAgent(evidence),
    ambiguousToolInvocationCallIds: [],
  };
}

function byAgent(invocations: ReadonlyMap<string, unknown>): unknown[] {
  return [...invocations].map(([agentIdentity, found]) => ({ agentIdentity, invocations: found }));
}
