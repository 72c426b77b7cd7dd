import type { AgentNode } from "../../agents/agent_graph.ts";
import type { DecidedRun } from "./_approvals.ts";
import { type CallNames, fromPythonItem } from "./_items.ts";
import { at, type PythonState } from "./_python_state.ts";
import { fromPythonRunItem, hostedApprovalCall, hostedRequest, type RunItem, toolKey } from "./_run_items.ts";
import { StateTranslationError } from "./translation_error.ts";

type Processed = NonNullable<PythonState["last_processed_response"]>;

/** A translated run: that of the snapshot, or one inside a tool. */
export interface NestedRun {
  state: Record<string, unknown>;
  /** It and the runs inside it. */
  runs: DecidedRun[];
}

/** The model's answer that a paused run is in the middle of. */
export interface Response {
  /** The `lastProcessedResponse` of a snapshot. */
  processed: Record<string, unknown>;
  newItems: RunItem[];
  /** The paused runs of agents that are used as tools, by the id of the call. */
  nested: Map<string, NestedRun & { key: string }>;
  /** Whether a hosted server asked for approval. */
  hasHosted: boolean;
}

/**
 * Translates the answer that is being processed.
 *
 * @param owner The agent whose turn it is.
 * @param translateNested Translates the state of a run inside a tool.
 * @throws {StateTranslationError} `tool_not_found`, and what its parts are refused for.
 */
export function fromPythonResponse(
  saved: Processed,
  path: string,
  owner: AgentNode,
  names: CallNames,
  translateNested: (state: unknown, path: string) => NestedRun,
): Response {
  const nested: Response["nested"] = new Map();
  const newItems = saved.new_items
    .map((item, index) => fromPythonRunItem(item, at(at(path, "new_items"), index), names))
    .filter(({ type }) => type !== "tool_approval_item");
  const functions = saved.functions.map(({ tool_call: raw, tool, agent_run_state: inner }, index) => {
    const place = at(at(path, "functions"), index);
    requireTool(owner, tool.name, place);
    const key = toolKey(raw, tool.lookupKey, place);
    if (inner !== undefined && inner !== null) {
      const id = String(raw["call_id"]);
      nested.set(id, { key: `${key}:${id}`, ...translateNested(inner, at(place, "agent_run_state")) });
    }
    return {
      toolCall: fromPythonItem(raw, at(place, "tool_call"), names),
      tool: { type: "function", name: tool.name },
      mcpToolBinding: null,
    };
  });
  const requests = saved.mcp_approval_requests.map(({ request_item: { raw_item: raw } }, index) => {
    const place = at(at(path, "mcp_approval_requests"), index);
    requireTool(owner, "hosted_mcp", place);
    const { id, name, server_label } = hostedRequest(raw, place);
    return {
      requestItem: { rawItem: hostedApprovalCall(raw, name, id) },
      mcpTool: { type: "hosted_tool", name: "hosted_mcp", providerData: { type: "mcp", server_label } },
    };
  });
  return {
    newItems,
    nested,
    hasHosted: requests.length > 0,
    processed: {
      newItems,
      toolsUsed: saved.tools_used,
      handoffs: [],
      functions,
      functionToolsNotFound: [],
      computerActions: [],
      shellActions: [],
      applyPatchActions: [],
      mcpApprovalRequests: requests,
    },
  };
}

function requireTool(owner: AgentNode, name: string, path: string): void {
  if (owner.tools.includes(name)) return;
  throw new StateTranslationError(
    "tool_not_found",
    path,
    `it needs the tool "${name}" of the agent "${owner.name}", which has only: ${
      owner.tools.join(", ") || "none"
    }. ` +
      "Load it with the agents that it was saved with.",
  );
}
