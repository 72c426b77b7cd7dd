import { Agent } from "@openai/agents";
import type { AnyAgent } from "../agents/any_agent.ts";
import { assertStorableName } from "../database/storable_name.ts";
import { SDK_VERSION } from "../state/envelope.ts";
import { AgentNameConflictError } from "./errors.ts";

const agentsByName = new Map<string, AnyAgent>();

/**
 * Makes an agent known to this process, so that its durable runs can be executed and recovered here: they refer
 * to it by name. Its handoffs and its agents as tools are reached through it. Again with the same agent: nothing.
 *
 * @example
 * ```ts
 * import { Agent } from "@openai/agents";
 * import { registerAgent } from "@timestep-ai/timestep";
 *
 * registerAgent(new Agent({ name: "Assistant", instructions: "Be brief." }));
 * ```
 *
 * @throws {TypeError} When the agent is of another copy of the Agents SDK: what it does could not be recorded. Or when
 * its name can't be stored.
 * @throws {AgentNameConflictError} When another agent of the same name is registered.
 */
export function registerAgent(agent: AnyAgent): void {
  // Callers without types come here, too.
  if (!(agent instanceof Agent)) {
    const given: unknown = agent;
    if (!isForeignAgent(given)) {
      const shown = typeof given === "string" ? JSON.stringify(given) : typeof given;
      throw new TypeError(`Cannot register an agent: ${shown} is none. Pass what new Agent() gave.`);
    }
    throw new TypeError(
      `Cannot register agent "${given.name}": it is of another copy of the Agents SDK than this module's, so that ` +
        `what it does could not be recorded. Import npm:@openai/agents@${SDK_VERSION}.`,
    );
  }
  const { name } = agent;
  // Each look for work tells the database all names: one that it does not take would keep this process from any work.
  assertStorableName("agent name", name);
  const known = agentsByName.get(name);
  if (known && known !== agent) {
    throw new AgentNameConflictError(
      `Cannot register agent "${name}": another agent of this name is registered, and runs find their ` +
        `agent by its name. Give one of them another name.`,
    );
  }
  agentsByName.set(name, agent);
}

/** Whether it is an agent, if not one of this copy of the Agents SDK. */
function isForeignAgent(agent: unknown): agent is { name: string } {
  const { name, getSystemPrompt } = (agent ?? {}) as { name?: unknown; getSystemPrompt?: unknown };
  return typeof name === "string" && typeof getSystemPrompt === "function";
}

/** The registered agent of this name, if there is one. */
export function registeredAgent(name: string): AnyAgent | undefined {
  return agentsByName.get(name);
}

/** The names of the agents that this process can execute. */
export function registeredAgentNames(): string[] {
  return [...agentsByName.keys()];
}

/** Makes this process forget its agents; their runs wait then. For tests, and for code that is loaded anew. */
export function forgetAgents(): void {
  agentsByName.clear();
}
