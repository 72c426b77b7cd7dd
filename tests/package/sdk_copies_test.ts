import { assert, assertStrictEquals } from "@std/assert";
import * as agents from "@openai/agents";
import * as core from "@openai/agents-core";
import { assistantMessage, ScriptedModel } from "@openai/agents-core/testing";

// Instrumented prototypes and every `instanceof` are lost on a second copy of the SDK.
Deno.test("the Agents SDK, its core and its testing module share one copy of the classes", async () => {
  assertStrictEquals(core.Agent, agents.Agent);
  assertStrictEquals(core.Runner, agents.Runner);
  assertStrictEquals(core.RunState, agents.RunState);

  const agent = new agents.Agent({ name: "Assistant", model: new ScriptedModel([[assistantMessage("Hi")]]) });
  const result = await new agents.Runner({ tracingDisabled: true }).run(agent, "Hello");
  assert(result.rawResponses[0]?.usage instanceof agents.Usage);
});
