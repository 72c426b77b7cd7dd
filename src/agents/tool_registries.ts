import { Agent, mcpToFunctionTool, tool } from "@openai/agents";
import type { AnyAgent, AnyFunctionTool } from "./any_agent.ts";

/**
 * What the SDK knows about a function tool beside the tool itself, it keeps in private `WeakMap`s: the parser of
 * its arguments and the MCP server behind it by the tool's `invoke`, the agent behind an agent tool by the tool.
 * To replace `invoke` without losing any of it, these maps are needed; they are found by watching which ones the
 * SDK writes to while it makes one tool of each kind, synchronously, once.
 */
interface Registries {
  /** Keyed by the tool's `invoke`. */
  byInvoke: WeakMap<object, unknown>[];
  /** Agents, keyed by the tool. */
  agents: WeakMap<object, unknown>;
  /** The `needsApproval` functions that only give a constant. */
  constantApprovals: WeakSet<object>;
}

let found: Registries | undefined;

function registries(): Registries {
  found ??= findRegistries();
  return found;
}

/** The agent behind a tool that `agent.asTool()` made. */
export function agentOfTool(tool: AnyFunctionTool): AnyAgent | undefined {
  // The SDK registers nothing but agents in this map: see findRegistries().
  return registries().agents.get(tool) as AnyAgent | undefined;
}

/** Makes the SDK know about `replacement` what it knows about the function `invoke` of a tool. */
export function inheritToolRegistration(invoke: object, replacement: object): void {
  for (const map of registries().byInvoke) {
    if (map.has(invoke)) map.set(replacement, map.get(invoke));
  }
}

/** Whether the tool's `needsApproval` is a function of the user's, not a constant. */
export function decidesApproval(tool: AnyFunctionTool): boolean {
  return !registries().constantApprovals.has(tool.needsApproval);
}

function findRegistries(): Registries {
  const agent = new Agent({ name: "probe" });
  const made: { plain?: AnyFunctionTool; agent?: AnyFunctionTool; mcp?: AnyFunctionTool } = {};
  const { writes, adds } = watchWeakCollections(() => {
    made.plain = tool({ name: "probe", description: "", parameters: PROBE_SCHEMA, execute: () => "" });
    made.agent = agent.asTool({ toolName: "probe_agent", toolDescription: "" });
    made.mcp = mcpToFunctionTool(
      { name: "probe", inputSchema: PROBE_SCHEMA },
      PROBE_SERVER,
      false,
    );
  });
  const invokes = new Set<object | undefined>(Object.values(made).map(({ invoke }) => invoke));
  const byInvoke = new Set(writes.filter(({ key }) => invokes.has(key)).map(({ map }) => map));
  const agents = writes.find(({ key, value }) => key === made.agent && value === agent)?.map;
  const plain = made.plain;
  const constantApprovals = adds.find(({ key }) => key === plain?.needsApproval)?.set;
  if (!agents || !constantApprovals || byInvoke.size < 2) {
    throw new Error(
      "Cannot run agents durably: this version of @openai/agents keeps what it knows about tools in another " +
        "way than 0.20. Use the version that this module is made for.",
    );
  }
  return { byInvoke: [...byInvoke], agents, constantApprovals };
}

const PROBE_SCHEMA = {
  type: "object" as const,
  properties: {},
  required: [] as string[],
  additionalProperties: false as const,
};

/** Nothing but its name is read while a tool is made. */
const PROBE_SERVER = { name: "probe" } as Parameters<typeof mcpToFunctionTool>[1];

/** Every write to a `WeakMap` or `WeakSet` that `body` makes. */
function watchWeakCollections(body: () => void) {
  const writes: { map: WeakMap<object, unknown>; key: object; value: unknown }[] = [];
  const adds: { set: WeakSet<object>; key: object }[] = [];
  const { set } = WeakMap.prototype;
  const { add } = WeakSet.prototype;
  WeakMap.prototype.set = function (this: WeakMap<object, unknown>, key: object, value: unknown) {
    writes.push({ map: this, key, value });
    return set.call(this, key, value);
  };
  WeakSet.prototype.add = function (this: WeakSet<object>, key: object) {
    adds.push({ set: this, key });
    return add.call(this, key);
  };
  try {
    body();
  } finally {
    WeakMap.prototype.set = set;
    WeakSet.prototype.add = add;
  }
  return { writes, adds };
}
