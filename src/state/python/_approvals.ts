import type { AgentGraph } from "../../agents/agent_graph.ts";
import type { Call } from "./_calls.ts";
import { hostedMcpKey } from "./_fingerprint.ts";
import { at, type PythonContext, type PythonDecision } from "./_python_state.ts";
import { agentName } from "./_run_items.ts";
import { RESUME_THERE, StateTranslationError } from "./translation_error.ts";

/** Decisions as the TypeScript SDK writes them: by the agent, then by the key of the tool. */
type Decisions = Map<string, Record<string, unknown>>;

/** A run's decisions and the calls that they can be about. The TypeScript SDK keeps those of nested runs with the run around them. */
export interface DecidedRun {
  context: PythonContext;
  path: string;
  calls: ReadonlyMap<string, Call>;
}

/**
 * Translates the decisions that were already taken. They stay with the agent that they were taken for.
 *
 * @throws {StateTranslationError} `unsupported_approval` for what they cannot be bound to.
 */
export function fromPythonApprovals(
  runs: readonly DecidedRun[],
  graph: AgentGraph,
): Record<string, unknown> {
  const functions: Decisions = new Map();
  const hosted: Record<string, unknown> = {};
  const bound: Decisions = new Map();
  const boundHosted: Decisions = new Map();
  const all = new Map(runs.toReversed().flatMap(({ calls }) => [...calls]));
  for (const { context, path, calls: own } of runs) {
    // A run can also hold decisions of the runs around it, and of those inside it.
    const calls = new Map([...all, ...own]);
    addFunctions(context, path, graph, functions, (ids) => bind(bound, calls, ids, path));
    for (const [index, { identity, decision }] of (context.hosted_mcp_approvals ?? []).entries()) {
      // The Python SDK keeps each decision a second time, by the request alone.
      if (identity.type === "query") continue;
      const key = hostedMcpKey(identity.server_label ?? "", identity.tool_name);
      hosted[key] = fromPythonDecision(decision);
      const ids = perCall(decision);
      bind(bound, calls, ids, at(at(path, "hosted_mcp_approvals"), index));
      for (const agent of new Set(ids.flatMap((id) => calls.get(id)?.agent ?? []))) {
        boundHosted.set(agent, { ...boundHosted.get(agent), [key]: hosted[key] });
      }
    }
  }
  return {
    approvals: {},
    ...(Object.keys(hosted).length > 0 ? { hostedMcpApprovals: hosted } : {}),
    ...(functions.size > 0
      ? {
        functionApprovals: [...functions].map(([agentIdentity, approvals]) => ({ agentIdentity, approvals })),
      }
      : {}),
    approvalInvocations: [...bound].map(([agentIdentity, invocations]) => ({
      agentIdentity,
      invocations,
      // Those about functions stand above; those about hosted tools, which have no agent there, here again.
      approvals: boundHosted.get(agentIdentity) ?? {},
    })),
  };
}

function addFunctions(
  context: PythonContext,
  path: string,
  graph: AgentGraph,
  functions: Decisions,
  bindCalls: (ids: readonly string[]) => void,
): void {
  // Older versions keep decisions by the tool's name alone: for every agent that has the tool.
  for (const [name, decision] of Object.entries(context.approvals)) {
    const owners = graph.agents.filter(({ tools }) => tools.includes(name));
    for (const owner of owners) addDecision(functions, owner.name, name, decision);
    if (owners.length > 0) bindCalls(perCall(decision));
  }
  for (const [index, entry] of (context.function_tool_approvals ?? []).entries()) {
    const owner = agentName(entry.agent, at(at(path, "function_tool_approvals"), index));
    addDecision(functions, owner, entry.tool_key, entry.decision);
    bindCalls(perCall(entry.decision));
  }
}

function addDecision(functions: Decisions, owner: string, tool: string, decision: PythonDecision): void {
  // Names have no dots: one parts a namespace from the name.
  const [name, namespace] = tool.split(".").reverse();
  const key = JSON.stringify(namespace === undefined ? ["bare", name] : ["namespaced", namespace, name]);
  functions.set(owner, { ...functions.get(owner), [key]: fromPythonDecision(decision) });
}

/** Says which call each id in a decision means: the TypeScript SDK applies it to no other. */
function bind(
  bound: Decisions,
  calls: ReadonlyMap<string, Call>,
  ids: readonly string[],
  path: string,
): void {
  for (const id of ids) {
    const call = calls.get(id);
    if (!call) {
      throw new StateTranslationError(
        "unsupported_approval",
        path,
        `a decision was taken about the call "${id}", which the run does not hold. ${RESUME_THERE}`,
      );
    }
    bound.set(call.agent, { ...bound.get(call.agent), [id]: call.fingerprint });
  }
}

function perCall({ approved, rejected }: PythonDecision): readonly string[] {
  return [approved, rejected].flatMap((ids) => typeof ids === "boolean" ? [] : ids);
}

function fromPythonDecision(decision: PythonDecision): Record<string, unknown> {
  const messages = decision.rejection_messages ?? {};
  return {
    approved: decision.approved,
    rejected: decision.rejected,
    ...(Object.keys(messages).length > 0 ? { messages } : {}),
    ...(typeof decision.sticky_rejection_message === "string"
      ? { stickyRejectMessage: decision.sticky_rejection_message }
      : {}),
  };
}
