import { Handoff } from "@openai/agents";
import type { AnyAgent } from "./any_agent.ts";
import { agentOfTool } from "./tool_registries.ts";

/** The agents that a run can reach, by name. A paused run is bound to them. The same JSON in every language. */
export interface AgentGraph {
  /** The agent that runs start with. */
  root: string;
  /** The agents: the first one, then those one step away, and so on. */
  agents: AgentNode[];
}

/** An agent, by the names of what it has. */
export interface AgentNode {
  name: string;
  /** Its tools; those of its MCP servers are not known before a run. */
  tools: string[];
  /** The agents that it may hand over to. */
  handoffs: string[];
}

/** Describes an agent and all that it can reach: by handoff, and as tools. */
export function agentGraph(agent: AnyAgent): AgentGraph {
  const reached = new Set<AnyAgent>([agent]);
  const agents: AgentNode[] = [];
  // A set gives what is added while it is walked through.
  for (const next of reached) {
    const handoffs = next.handoffs.map((entry) => entry instanceof Handoff ? entry.agent : entry);
    for (const target of handoffs) reached.add(target);
    for (const tool of next.tools) {
      const nested = tool.type === "function" ? agentOfTool(tool) : undefined;
      if (nested) reached.add(nested);
    }
    agents.push({
      name: next.name,
      tools: next.tools.map(({ name }) => name),
      handoffs: handoffs.map(({ name }) => name),
    });
  }
  return { root: agent.name, agents };
}

/**
 * What `needed` has and `given` has not: the first difference in words, or `null`. What was added does no harm to a
 * run that was begun without it.
 */
export function missingFrom(given: AgentGraph, needed: AgentGraph): string | null {
  if (given.root !== needed.root) return `it starts with the agent "${needed.root}", not "${given.root}"`;
  for (const agent of needed.agents) {
    // Several may be called the same: the SDK tells them apart.
    const lacking = given.agents.filter(({ name }) => name === agent.name).map((found) =>
      lacks(found, agent)
    );
    if (!lacking.includes(null)) return lacking[0] ?? `there is no agent "${agent.name}" here`;
  }
  return null;
}

function lacks(given: AgentNode, needed: AgentNode): string | null {
  const tool = needed.tools.find((name) => !given.tools.includes(name));
  if (tool !== undefined) return `the agent "${needed.name}" has no tool "${tool}" here`;
  const handoff = needed.handoffs.find((name) => !given.handoffs.includes(name));
  if (handoff !== undefined) return `the agent "${needed.name}" has no handoff to "${handoff}" here`;
  return null;
}
