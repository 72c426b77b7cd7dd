import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Agent, handoff, RunState, tool } from "@openai/agents";
import OpenAI from "openai";
import { z } from "zod";
import { OllamaModelProvider } from "@timestep-ai/timestep";
import { emptyEnvironment } from "./_environment.ts";
import { OllamaStandIn } from "./_ollama_stand_in.ts";
import { RUNS, runStreamed, runWhole } from "./_run.ts";

function weatherTool(calls: string[], needsApproval = false) {
  return tool({
    name: "get_weather",
    description: "Get the weather in a city.",
    parameters: z.object({ city: z.string() }),
    needsApproval,
    execute: ({ city }) => (calls.push(city), `Sunny in ${city}`),
  });
}

for (const [how, run] of RUNS) {
  Deno.test(`OllamaModelProvider answers with text, usage and reasoning${how}`, async () => {
    await using ollama = new OllamaStandIn(() => ({
      thinking: "They greet. I greet back. ",
      content: ["Grüß ", "dich, ", "🌍!"],
      usage: [120, 9],
    }));
    const agent = new Agent({ name: "Assistant", instructions: "Be brief.", model: "qwen3:8b" });

    const { result, deltas } = await run(new OllamaModelProvider({ baseURL: ollama.host }), agent, "Hello");

    assertEquals(result.finalOutput, "Grüß dich, 🌍!");
    if (run === runStreamed) assertEquals(deltas, ["Grüß ", "dich, ", "🌍!"]);
    const { inputTokens, outputTokens, totalTokens, requests } = result.state.usage;
    assertEquals([inputTokens, outputTokens, totalTokens, requests], [120, 9, 129, 1]);
    assertEquals(result.newItems.map(({ type }) => type), ["reasoning_item", "message_output_item"]);
    assertEquals(result.newItems[0]?.rawItem, {
      type: "reasoning",
      content: [],
      rawContent: [{ type: "reasoning_text", text: "They greet. I greet back. " }],
    });
    assertEquals(result.newItems[1]?.rawItem, {
      type: "message",
      role: "assistant",
      status: "completed",
      content: [{ type: "output_text", text: "Grüß dich, 🌍!" }],
    });
    assertEquals(ollama.mistakes, []);
    assertEquals(ollama.requests.map(({ body }) => body.messages), [[
      { role: "system", content: "Be brief." },
      { role: "user", content: "Hello" },
    ]]);
    assertEquals(ollama.requests[0]?.body.stream, run === runStreamed);
  });

  for (const isOldFormat of [false, true]) {
    Deno.test(
      `OllamaModelProvider calls tools at once and goes on with their results${how}${
        isOldFormat ? ", old format" : ""
      }`,
      async () => {
        await using ollama = new OllamaStandIn(({ messages }) => {
          if (messages.at(-1)?.role === "user") {
            const toolCalls = ["Oslo", "Rome", "Lima"].map((city) => ({
              name: "get_weather",
              arguments: { city },
            }));
            return { thinking: "Three cities.", toolCalls, isOldFormat };
          }
          return { content: "All sunny.", isOldFormat };
        });
        const calls: string[] = [];
        const agent = new Agent({ name: "Weather", model: "qwen3:8b", tools: [weatherTool(calls)] });

        const { result } = await run(new OllamaModelProvider({ baseURL: ollama.host }), agent, "Weather?");

        assertEquals(ollama.mistakes, []);
        assertEquals(result.finalOutput, "All sunny.");
        assertEquals(calls, ["Oslo", "Rome", "Lima"]);
        assertEquals(result.state.usage.totalTokens, 36);
        const second = ollama.requests[1]?.body.messages ?? [];
        assertEquals(second.map(({ role }) => role), ["user", "assistant", "tool", "tool", "tool"]);
        const [, assistant, ...answers] = second;
        assertEquals(assistant?.role === "assistant" && assistant.reasoning, "Three cities.");
        const ids = assistant?.role === "assistant" ? assistant.tool_calls?.map(({ id }) => id) ?? [] : [];
        assertEquals(
          answers.map((answer) => answer.role === "tool" ? [answer.tool_call_id, answer.content] : []),
          ["Oslo", "Rome", "Lima"].map((city, index) => [ids[index] ?? "", `Sunny in ${city}`]),
        );
      },
    );
  }

  for (const [what, ids] of [["missing", ["", ""]], ["equal", ["call_1", "call_1"]]] as const) {
    Deno.test(`OllamaModelProvider makes up ids of calls that are ${what}${how}`, async () => {
      await using ollama = new OllamaStandIn(({ messages }) => {
        if (messages.at(-1)?.role !== "user") return { content: "Done." };
        return {
          toolCalls: ids.map((id, index) => ({
            id,
            name: "get_weather",
            arguments: { city: `City ${index}` },
          })),
        };
      });
      const calls: string[] = [];
      const agent = new Agent({ name: "Weather", model: "qwen3:8b", tools: [weatherTool(calls)] });
      const { result } = await run(new OllamaModelProvider({ baseURL: ollama.host }), agent, "Weather?");
      assertEquals(ollama.mistakes, []);
      assertEquals(result.finalOutput, "Done.");
      assertEquals(calls, ["City 0", "City 1"]);
    });
  }

  Deno.test(`OllamaModelProvider stops for an approval, is saved as text and goes on${how}`, async () => {
    await using ollama = new OllamaStandIn(({ messages }) =>
      messages.at(-1)?.role === "user"
        ? { content: "Let me look.", toolCalls: [{ name: "get_weather", arguments: { city: "Berkeley" } }] }
        : { content: "Sunny." }
    );
    const calls: string[] = [];
    const provider = new OllamaModelProvider({ baseURL: ollama.host });
    const agent = new Agent({ name: "Weather", model: "qwen3:8b", tools: [weatherTool(calls, true)] });

    const paused = await run(provider, agent, "Weather?");
    assertEquals(calls, []);
    const state = await RunState.fromString<undefined, typeof agent>(agent, paused.result.state.toString());
    for (const interruption of state.getInterruptions()) state.approve(interruption);
    const { result } = await run(provider, agent, state);

    assertEquals(ollama.mistakes, []);
    assertEquals([result.finalOutput, calls, result.state.usage.requests], ["Sunny.", ["Berkeley"], 2]);
  });

  Deno.test(`OllamaModelProvider gives structured output${how}`, async () => {
    await using ollama = new OllamaStandIn(({ response_format: format }) => {
      assertEquals(format?.json_schema.schema["properties"], {
        city: { type: "string" },
        degrees: { type: "number" },
      });
      return { content: ['{"city": "Oslo", ', '"degrees": -3}'] };
    });
    const agent = new Agent({
      name: "Weather",
      model: "qwen3:8b",
      outputType: z.object({ city: z.string(), degrees: z.number() }),
    });
    const { result } = await run(
      new OllamaModelProvider({ baseURL: ollama.host }),
      agent,
      "Weather in Oslo?",
    );
    assertEquals(result.finalOutput, { city: "Oslo", degrees: -3 });
    assertEquals(ollama.mistakes, []);
  });

  Deno.test(`OllamaModelProvider hands over between models of its own${how}`, async () => {
    await using ollama = new OllamaStandIn(({ model, messages }) =>
      model === "qwen3:8b" && messages.at(-1)?.role === "user"
        ? { toolCalls: [{ name: "transfer_to_Poet", arguments: {} }] }
        : { content: `${model} speaking` }
    );
    const poet = new Agent({ name: "Poet", model: "gpt-oss:20b" });
    const agent = new Agent({ name: "Triage", model: "qwen3:8b", handoffs: [handoff(poet)] });
    const { result } = await run(new OllamaModelProvider({ baseURL: ollama.host }), agent, "A poem");
    assertEquals([result.finalOutput, result.lastAgent?.name], ["gpt-oss:20b speaking", "Poet"]);
    assertEquals(ollama.mistakes, []);
  });

  Deno.test(`OllamaModelProvider takes thoughts without an answer as an empty answer${how}`, async () => {
    await using ollama = new OllamaStandIn((_, turn) =>
      turn === 0 ? { thinking: "Hm." } : { content: "Now I know." }
    );
    const provider = new OllamaModelProvider({ baseURL: ollama.host });
    const agent = new Agent({ name: "Assistant", model: "qwen3:8b" });
    const first = await run(provider, agent, "Why?");
    assertEquals(first.result.finalOutput, "");
    const question = { type: "message", role: "user", content: "And now?" } as const;
    const second = await run(provider, agent, [...first.result.history, question]);
    assertEquals(second.result.finalOutput, "Now I know.");
    assertEquals(ollama.mistakes, []);
  });

  Deno.test(`OllamaModelProvider passes Ollama's errors on with their class${how}`, async () => {
    await using ollama = new OllamaStandIn(() => ({ status: 404, message: "model 'nope' not found" }));
    const agent = new Agent({ name: "Assistant", model: "nope" });
    await assertRejects(
      () => run(new OllamaModelProvider({ baseURL: ollama.host }), agent, "Hello"),
      OpenAI.NotFoundError,
      "model 'nope' not found",
    );
  });

  Deno.test(`OllamaModelProvider says where Ollama should be when it cannot be reached${how}`, async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    listener.close();
    using _environment = emptyEnvironment({ OLLAMA_HOST: `http://me:secret@127.0.0.1:${port}` });
    const agent = new Agent({ name: "Assistant", model: "qwen3:8b" });
    const error = await assertRejects(
      () => run(new OllamaModelProvider(), agent, "Hello"),
      OpenAI.APIConnectionError,
      `Ollama could not be reached at http://127.0.0.1:${port}`,
    );
    assertEquals(Deno.inspect(error, { depth: 9 }).includes("secret"), false);
  });
}

Deno.test({
  name: "OllamaModelProvider says which permission is missing to reach the server",
  permissions: { env: true, read: true, sys: true, net: false },
  async fn() {
    const agent = new Agent({ name: "Assistant", model: "qwen3:8b" });
    await assertRejects(
      () => runStreamed(new OllamaModelProvider({ baseURL: "127.0.0.1:11434" }), agent, "Hello"),
      OpenAI.APIConnectionError,
      "http://127.0.0.1:11434: Requires net access",
    );
  },
});

Deno.test("OllamaModelProvider fails when the model dies in the middle of a stream", async () => {
  for (const dieAfter of [0, 1]) {
    await using ollama = new OllamaStandIn(() => ({ content: ["The answer is ", "42."], dieAfter }));
    const agent = new Agent({ name: "Assistant", model: "qwen3:8b" });
    const error = await assertRejects(
      () => runStreamed(new OllamaModelProvider({ baseURL: ollama.host }), agent, "Question"),
      OpenAI.APIError,
    );
    assertStringIncludes(error.message, "ended its answer before it was complete");
  }
});

Deno.test("OllamaModelProvider sends nothing that is meant for OpenAI", async () => {
  await using ollama = new OllamaStandIn(() => ({ content: "Hello!" }));
  using _environment = emptyEnvironment({
    OLLAMA_HOST: ollama.host,
    OLLAMA_API_KEY: "secret-ollama",
    OPENAI_API_KEY: "secret-openai",
    OPENAI_ORG_ID: "secret-org",
    OPENAI_PROJECT_ID: "secret-project",
    OPENAI_CUSTOM_HEADERS: "x-gateway: secret-gateway",
    OPENAI_BASE_URL: "http://127.0.0.1:1/v1",
  });
  await runWhole(new OllamaModelProvider(), new Agent({ name: "Assistant", model: "qwen3:8b" }), "Hello");
  const [request] = ollama.requests;
  assertEquals(request?.headers.get("content-type"), "application/json");
  assertEquals([...request?.headers ?? []].filter(([, value]) => value.includes("secret")), []);
  assertEquals(request?.headers.has("authorization"), false);
});

Deno.test("OllamaModelProvider sends the user and password of the address", async () => {
  await using ollama = new OllamaStandIn(() => ({ content: "Hello!" }));
  const provider = new OllamaModelProvider({ baseURL: `http://me:pass@${ollama.host}` });
  await runWhole(provider, new Agent({ name: "Assistant", model: "qwen3:8b" }), "Hello");
  assertEquals(ollama.requests[0]?.headers.get("authorization"), `Basic ${btoa("me:pass")}`);
});

Deno.test("OllamaModelProvider.getModel() wants a name, and reads the environment anew each time", async () => {
  const provider = new OllamaModelProvider();
  await assertRejects(() => provider.getModel(), TypeError, "Ollama has no default model");
  await assertRejects(() => provider.getModel(""), TypeError);
  using _environment = emptyEnvironment({ OLLAMA_HOST: "one" });
  const first = await provider.getModel("qwen3:8b");
  assertEquals(await provider.getModel("qwen3:8b") === first, true);
  Deno.env.set("OLLAMA_HOST", "two");
  assertEquals(await provider.getModel("qwen3:8b") === first, false);
  Deno.env.set("OLLAMA_HOST", "ftp://three");
  await assertRejects(() => provider.getModel("qwen3:8b"), RangeError, "ftp://three");
});
