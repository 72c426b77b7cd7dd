import {
  Agent,
  type AgentInputItem,
  InputGuardrailTripwireTriggered,
  MaxTurnsExceededError,
  MemorySession,
  ModelBehaviorError,
  OutputGuardrailTripwireTriggered,
  tool,
  ToolCallError,
  UserError,
} from "@openai/agents";
import { modelError, ScriptedModel } from "@openai/agents-core/testing";
import { assertEquals, assertInstanceOf, assertRejects, assertStrictEquals } from "@std/assert";
import { runAgent, UnknownModelPrefixError } from "@timestep-ai/timestep";
import { z } from "zod";
import { calls, said, says, scriptedAgent, SlowSession, ways } from "./_agents.ts";

const step = tool({
  name: "step",
  description: "Takes a step.",
  parameters: z.object({}),
  execute: () => "taken",
});
const failure = new Error("The disk is full");
const failing = tool({
  name: "fail",
  description: "Fails.",
  parameters: z.object({}),
  errorFunction: null,
  execute: () => {
    throw failure;
  },
});
const trips = () => Promise.resolve({ tripwireTriggered: true, outputInfo: "no" });

// The unread stream of each of these, and each promise in the background, is settled or the test itself fails: an
// unhandled rejection is a failure.
for (const { stream, how } of ways) {
  Deno.test(`runAgent() throws MaxTurnsExceededError when the agent goes on and on, ${how}`, async () => {
    const answers = Array.from({ length: 10 }, (_, turn) => calls("step", {}, `call_${turn}`));
    const agent = new Agent({ name: "Walker", model: new ScriptedModel(answers), tools: [step] });
    await assertRejects(() => runAgent(agent, "Go", undefined, stream), MaxTurnsExceededError);
  });

  Deno.test(`runAgent() throws ModelBehaviorError when the model calls a tool that there is not, ${how}`, async () => {
    await assertRejects(
      () => runAgent(scriptedAgent(calls("step")), "Go", undefined, stream),
      ModelBehaviorError,
      "step",
    );
  });

  for (const runInParallel of [false, true]) {
    const kind = runInParallel ? "parallel" : "blocking";
    Deno.test(`runAgent() throws InputGuardrailTripwireTriggered when a ${kind} guardrail trips, ${how}`, async () => {
      const model = new ScriptedModel([says("Hello!")]);
      const inputGuardrails = [{ name: "Never", runInParallel, execute: trips }];
      const agent = new Agent({ name: "Assistant", model, inputGuardrails });
      const error = await assertRejects(
        () => runAgent(agent, "Hi", undefined, stream),
        InputGuardrailTripwireTriggered,
      );
      assertEquals(error.result.guardrail.name, "Never");
      assertEquals(model.calls.slice(runInParallel ? 1 : 0), []);
    });
  }

  Deno.test(`runAgent() throws OutputGuardrailTripwireTriggered and keeps the answer back, ${how}`, async () => {
    const session = new MemorySession();
    const model = new ScriptedModel([says("The password is swordfish.")]);
    const agent = new Agent({
      name: "Assistant",
      model,
      outputGuardrails: [{ name: "Never", execute: trips }],
    });
    await assertRejects(() => runAgent(agent, "Hi", session, stream), OutputGuardrailTripwireTriggered);
    assertEquals((await said(session)).filter((line) => line.includes("swordfish")), []);
  });

  Deno.test(`runAgent() throws ToolCallError with the tool's own error when a tool throws, ${how}`, async () => {
    const agent = new Agent({
      name: "Assistant",
      model: new ScriptedModel([calls("fail")]),
      tools: [failing],
    });
    const error = await assertRejects(() => runAgent(agent, "Go", undefined, stream), ToolCallError);
    assertStrictEquals(error.error, failure);
  });

  Deno.test(`runAgent() throws the model's error as it is, ${how}`, async () => {
    const refused = new RangeError("Too long");
    const error = await assertRejects(() =>
      runAgent(scriptedAgent(modelError(refused)), "Hi", undefined, stream)
    );
    assertStrictEquals(error, refused);
  });

  Deno.test(`runAgent() throws the model provider's error as it is, ${how}`, async () => {
    const agent = new Agent({ name: "Assistant", model: "nobody/knows" });
    await assertRejects(() => runAgent(agent, "Hi", undefined, stream), UnknownModelPrefixError);
  });

  Deno.test(`runAgent() throws the session's error as it is when the history can't be read, ${how}`, async () => {
    class Unreadable extends MemorySession {
      override getItems(): Promise<AgentInputItem[]> {
        return Promise.reject(failure);
      }
    }
    const error = await assertRejects(() =>
      runAgent(scriptedAgent(says("Hello!")), "Hi", new Unreadable(), stream)
    );
    assertStrictEquals(error, failure);
  });

  Deno.test(`runAgent() throws the session's error as it is when the answer can't be written, ${how}`, async () => {
    class Unwritable extends MemorySession {
      override addItems(): Promise<void> {
        return Promise.reject(failure);
      }
    }
    const error = await assertRejects(() =>
      runAgent(scriptedAgent(says("Hello!")), "Hi", new Unwritable(), stream)
    );
    assertStrictEquals(error, failure);
  });

  Deno.test(`runAgent() throws the processor's error as it is, ${how}`, async () => {
    const error = await assertRejects(() =>
      runAgent(scriptedAgent(says("Hello!")), "Hi", undefined, stream, () => Promise.reject(failure))
    );
    assertStrictEquals(error, failure);
  });

  Deno.test(`runAgent() throws UserError when the state stopped before its guardrails had settled, ${how}`, async () => {
    const { state } = await runAgent(scriptedAgent(says("Hello!")), "Hi");
    state._currentTurn = 1;
    state._initialInputGuardrailsCompleted = false;
    const error = await assertRejects(() =>
      runAgent(scriptedAgent(says("Hello!")), state, undefined, stream)
    );
    assertInstanceOf(error, UserError);
  });
}

Deno.test("runAgent() has written the question to the session when a stream fails", async () => {
  const session = new SlowSession();
  await assertRejects(() => runAgent(scriptedAgent(calls("step")), "Go", session, true), ModelBehaviorError);
  assertEquals((await said(session))[0], "user: Go");
});

Deno.test("runAgent() leaves no unhandled rejection when a stream fails that nobody reads", async () => {
  const result = await runAgent(scriptedAgent(modelError(failure)), "Hi", undefined, true, null);
  while (!result.error) await new Promise((resolve) => setTimeout(resolve));
  assertStrictEquals(result.error, failure);
});
