import { Agent } from "@openai/agents";
import { assertStrictEquals, assertThrows } from "@std/assert";
import { AgentNameConflictError, registerAgent } from "../../mod.ts";
import { forgetAgents, registeredAgent } from "../../src/durable/registry.ts";

// It would run, and nothing of what its tools do would be recorded.
Deno.test("registerAgent() refuses an agent of another copy of the Agents SDK", () => {
  const { name, handoffs, tools, getSystemPrompt } = new Agent({ name: "Assistant" });
  const other = { name, handoffs, tools, getSystemPrompt } as Agent;
  assertThrows(() => registerAgent(other), TypeError, "Import npm:@openai/agents@0.20.0.");
  assertStrictEquals(registeredAgent("Assistant"), undefined);
});

Deno.test("registerAgent() refuses what is no agent", () => {
  for (const other of ["Assistant", undefined, null, { name: "Assistant" }, Agent]) {
    assertThrows(() => registerAgent(other as never), TypeError, "is none. Pass what new Agent() gave.");
  }
});

// Together with it no other agent's runs could be looked for.
Deno.test("registerAgent() refuses an agent with a name that can't be stored", () => {
  assertThrows(() => registerAgent(new Agent({ name: "A\0" })), TypeError, "agent name");
  assertThrows(() => registerAgent(new Agent({ name: "\ud800" })), TypeError, "agent name");
});

Deno.test("registerAgent() refuses a second agent of one name", () => {
  const agent = new Agent({ name: "Twice" });
  registerAgent(agent);
  registerAgent(agent);
  assertThrows(() => registerAgent(new Agent({ name: "Twice" })), AgentNameConflictError);
  forgetAgents();
});
