import {
  Agent,
  MemorySession,
  type Model,
  type ModelProvider,
  RunResult,
  RunState,
  StreamedRunResult,
} from "@openai/agents";
import { ScriptedModel } from "@openai/agents-core/testing";
import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { defaultResultProcessor, runAgent } from "@timestep-ai/timestep";
import { z } from "zod";
import { calls, deletingAgent, said, says, scriptedAgent, SlowSession, ways } from "./_agents.ts";

Deno.test("runAgent() gives a finished RunResult when neither session nor stream is given", async () => {
  const result = await runAgent(scriptedAgent(says("Hello!")), "Hi");
  assertInstanceOf(result, RunResult);
  assertEquals(result.finalOutput, "Hello!");
});

Deno.test("runAgent() gives a StreamedRunResult that is over when it streams", async () => {
  const result = await runAgent(scriptedAgent(says("Hello!")), "Hi", undefined, true);
  assertInstanceOf(result, StreamedRunResult);
  assertEquals(result.finalOutput, "Hello!");
  assertEquals(await Array.fromAsync(result), []);
});

Deno.test("runAgent() gives the output in the type of the agent", async () => {
  const model = new ScriptedModel([says('{"degrees":21}')]);
  const agent = new Agent({ name: "Thermometer", model, outputType: z.object({ degrees: z.number() }) });
  const result = await runAgent(agent, "How warm is it?", undefined, true);
  const output: { degrees: number } | undefined = result.finalOutput;
  assertEquals(output?.degrees, 21);
});

for (const { stream, how } of ways) {
  Deno.test(`runAgent() takes items as input, ${how}`, async () => {
    const model = new ScriptedModel([says("Hello!")]);
    const agent = new Agent({ name: "Assistant", model });
    const input = [{ role: "user" as const, content: "Hi" }, { role: "user" as const, content: "Anybody?" }];
    await runAgent(agent, input, undefined, stream);
    assertEquals(model.lastCall?.request.input, input);
  });

  Deno.test(`runAgent() stops for an approval and goes on from the state, ${how}`, async () => {
    const { agent, deleted } = deletingAgent(calls("delete_file", { path: "/tmp/a" }), says("Done."));
    const paused = await runAgent(agent, "Delete /tmp/a", undefined, stream);
    const [interruption] = paused.interruptions;
    assert(interruption !== undefined);
    assertEquals([interruption.name, deleted], ["delete_file", []]);
    paused.state.approve(interruption);
    const result = await runAgent(agent, paused.state, undefined, stream);
    assertEquals([result.finalOutput, deleted], ["Done.", ["/tmp/a"]]);
  });

  Deno.test(`runAgent() goes on from a state that was written down, ${how}`, async () => {
    const { agent, deleted } = deletingAgent(calls("delete_file", { path: "/tmp/a" }), says("Kept."));
    const paused = await runAgent(agent, "Delete /tmp/a", undefined, stream);
    const state = await RunState.fromString(agent, paused.state.toString());
    for (const interruption of state.getInterruptions()) state.reject(interruption);
    const result = await runAgent(agent, state, undefined, stream);
    assertEquals([result.finalOutput, deleted], ["Kept.", []]);
  });

  Deno.test(`runAgent() remembers in the session what was said before, ${how}`, async () => {
    const session = new MemorySession();
    const agent = scriptedAgent(says("Hello, Ada."), says("You are Ada."));
    await runAgent(agent, "I am Ada", session, stream);
    await runAgent(agent, "Who am I?", session, stream);
    assertEquals(await said(session), [
      "user: I am Ada",
      "assistant: Hello, Ada.",
      "user: Who am I?",
      "assistant: You are Ada.",
    ]);
  });

  Deno.test(`runAgent() keeps the history of a run that is resumed in order and without gaps, ${how}`, async () => {
    const session = new MemorySession();
    const { agent } = deletingAgent(calls("delete_file", { path: "/tmp/a" }), says("Done."));
    const paused = await runAgent(agent, "Delete /tmp/a", session, stream);
    for (const interruption of paused.interruptions) paused.state.approve(interruption);
    await runAgent(agent, paused.state, session, stream);
    assertEquals(await said(session), [
      "user: Delete /tmp/a",
      "function_call",
      "function_call_result",
      "assistant: Done.",
    ]);
  });

  Deno.test(`runAgent() has written to the session when it returns, ${how}`, async () => {
    const session = new SlowSession();
    await runAgent(scriptedAgent(says("Hello!")), "Hi", session, stream);
    assertEquals(await said(session), ["user: Hi", "assistant: Hello!"]);
  });

  Deno.test(`runAgent() gives what the processor makes of the result, ${how}`, async () => {
    const seen: string[] = [];
    const length = await runAgent(scriptedAgent(says("Hello!")), "Hi", undefined, stream, async (result) => {
      if (result instanceof StreamedRunResult) {
        for await (const text of result.toTextStream()) seen.push(text);
      }
      await defaultResultProcessor(result);
      return result.finalOutput?.length;
    });
    assertEquals(length, 6);
    assertEquals(seen.join(""), stream ? "Hello!" : "");
  });

  Deno.test(`runAgent() gives undefined when that is what the processor returns, ${how}`, async () => {
    const nothing: void = await runAgent(scriptedAgent(says("Hello!")), "Hi", undefined, stream, () => {});
    assertEquals(nothing, undefined);
  });

  Deno.test(`runAgent() asks the given provider for models by name, also for an agent used as a tool, ${how}`, async () => {
    const provider = new ScriptedProvider({
      big: [calls("ask_expert", { input: "Why?" }), says("Because, says the expert.")],
      small: [says("Because.")],
    });
    const expert = new Agent({ name: "Expert", model: "small" });
    const tools = [expert.asTool({ toolName: "ask_expert", toolDescription: "Asks the expert." })];
    const agent = new Agent({ name: "Assistant", model: "big", tools });
    const result = await runAgent(agent, "Why?", undefined, stream, undefined, provider);
    assertEquals(result.finalOutput, "Because, says the expert.");
    assertEquals(provider.asked, ["big", "small", "big"]);
  });
}

Deno.test("runAgent() hands back the unread stream when the processor is null", async () => {
  const result = await runAgent(scriptedAgent(says("Hello!")), "Hi", undefined, true, null);
  const types = (await Array.fromAsync(result)).map(({ type }) => type);
  assert(types.includes("raw_model_stream_event") && types.includes("run_item_stream_event"));
  await result.completed;
  assertEquals(result.finalOutput, "Hello!");
});

Deno.test("runAgent() hands back the result when the processor is null and nothing streams", async () => {
  const result = await runAgent(scriptedAgent(says("Hello!")), "Hi", undefined, false, null);
  assertEquals(result.finalOutput, "Hello!");
});

Deno.test("runAgent() gives the processor the result itself, not a copy", async () => {
  let given: unknown;
  const result = await runAgent(scriptedAgent(says("Hello!")), "Hi", undefined, false, (result) => {
    given = result;
    return result;
  });
  assertStrictEquals(given, result);
});

/** Gives scripted models by name, and notes which were asked for. */
class ScriptedProvider implements ModelProvider {
  readonly asked: string[] = [];
  readonly #models: Map<string, Model>;

  constructor(answers: Record<string, ConstructorParameters<typeof ScriptedModel>[0]>) {
    this.#models = new Map(Object.entries(answers).map(([name, steps]) => [name, new ScriptedModel(steps)]));
  }

  getModel(name = ""): Model {
    this.asked.push(name);
    const model = this.#models.get(name);
    if (!model) throw new Error(`No model ${name}`);
    return model;
  }
}
