import { createHash } from "node:crypto";
import { Handoff } from "@openai/agents";
import type { AnyAgent } from "./any_agent.ts";
import { shownServerName } from "./mcp_server_name.ts";
import { agentOfTool } from "./tool_registries.ts";
import type { JsonValue } from "../core/json_value.ts";

/** What an agent, and every agent it can reach, was made of; and its identity. */
export interface AgentDefinition {
  /** SHA-256 of the definition, in hexadecimal. */
  fingerprint: string;
  /** The agents by name: instructions, models, tools with their schemas, handoffs, guardrails. No secrets. */
  definition: { [agentName: string]: JsonValue };
}

/**
 * Describes an agent and all agents that it can reach through handoffs and as tools, so that a change of the code
 * can be told from a run that was begun before it.
 *
 * @param agent Where to begin.
 */
export function agentDefinition(agent: AnyAgent): AgentDefinition {
  const definition: { [agentName: string]: JsonValue } = {};
  const waiting: AnyAgent[] = [agent];
  const seen = new Set<AnyAgent>();
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    if (seen.has(next)) continue;
    seen.add(next);
    definition[next.name] = describe(next, waiting);
  }
  return { fingerprint: sha256(JSON.stringify(definition)), definition };
}

/** SHA-256 of a text, in hexadecimal. */
export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function describe(agent: AnyAgent, reached: AnyAgent[]): JsonValue {
  return {
    instructions: textOrSource(agent.instructions),
    model: typeof agent.model === "string" ? agent.model : agent.model.constructor.name,
    outputType: agent.outputSchemaName,
    toolUseBehavior: typeof agent.toolUseBehavior === "function"
      ? textOrSource(agent.toolUseBehavior)
      : plain(agent.toolUseBehavior),
    tools: agent.tools.map((tool) => {
      if (tool.type !== "function") return { type: tool.type, name: tool.name };
      const nested = agentOfTool(tool);
      if (nested) reached.push(nested);
      return {
        type: tool.type,
        name: tool.name,
        description: tool.description,
        parameters: plain(tool.parameters),
        ...(nested ? { agent: nested.name } : {}),
      };
    }),
    handoffs: agent.handoffs.map((entry) => describeHandoff(entry, reached)),
    mcpServers: agent.mcpServers.map(shownServerName),
    inputGuardrails: agent.inputGuardrails.map(({ name }) => name),
    outputGuardrails: agent.outputGuardrails.map(({ name }) => name),
  };
}

function describeHandoff(entry: AnyAgent["handoffs"][number], reached: AnyAgent[]): JsonValue {
  if (!(entry instanceof Handoff)) {
    reached.push(entry);
    return { agent: entry.name };
  }
  reached.push(entry.agent);
  return {
    agent: entry.agent.name,
    toolName: entry.toolName,
    description: entry.toolDescription,
    parameters: plain(entry.inputJsonSchema),
  };
}

/** A text as it is; a function as its source, the best there is to tell one from another. */
function textOrSource(value: unknown): string {
  return typeof value === "function" ? value.toString() : String(value);
}

function plain(value: unknown): JsonValue {
  return JSON.parse(JSON.stringify(value) ?? "null");
}
