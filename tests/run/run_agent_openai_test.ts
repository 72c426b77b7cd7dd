import { Agent, OpenAIConversationsSession, tool } from "@openai/agents";
import { assertEquals, assertRejects } from "@std/assert";
import { MultiModelProvider, runAgent } from "@timestep-ai/timestep";
import OpenAI, { RateLimitError } from "openai";
import { z } from "zod";
import { deno } from "../_child.ts";
import { type ModelScript, OpenAIStandIn } from "../openai_stand_in/mod.ts";
import { describeItem, receivedCalls } from "../seeds/_received.ts";
import { ways } from "./_agents.ts";

/** A stand-in for OpenAI, with what an agent needs to use it. */
function setUp(script?: ModelScript) {
  const openai = new OpenAIStandIn(script ? { script } : {});
  const client = new OpenAI({ apiKey: "test", baseURL: openai.url, maxRetries: 0 });
  const asked: string[] = [];
  const getWeather = tool({
    name: "get_weather",
    description: "Tells the weather in a city.",
    parameters: z.object({ city: z.string() }),
    needsApproval: (_context, { city }) => Promise.resolve(city === "Berkeley"),
    execute: ({ city }) => {
      asked.push(city);
      return `It rains in ${city}.`;
    },
  });
  return {
    openai,
    asked,
    agent: new Agent({ name: "Weather Assistant", model: "openai/gpt-4.1", tools: [getWeather] }),
    session: new OpenAIConversationsSession({ client }),
    modelProvider: new MultiModelProvider({ openaiClient: client }),
  };
}

for (const { stream, how } of ways) {
  Deno.test(`runAgent() keeps a conversation at OpenAI that is whole at every step, ${how}`, async () => {
    const { openai, asked, agent, session, modelProvider } = setUp();
    await using _ = openai;
    const question = "What's the weather in Berkeley and Oakland?";
    const paused = await runAgent(agent, question, session, stream, undefined, modelProvider);
    assertEquals([paused.interruptions.length, asked], [1, ["Oakland"]]);
    for (const interruption of paused.interruptions) paused.state.approve(interruption);
    await runAgent(agent, paused.state, session, stream, undefined, modelProvider);
    await runAgent(agent, "Thank you", session, stream, undefined, modelProvider);
    assertEquals(asked, ["Oakland", "Berkeley"]);
    const calls = ['call get_weather {"city":"Berkeley"}', 'call get_weather {"city":"Oakland"}'];
    const outputs = ["output It rains in Oakland.", "output It rains in Berkeley."];
    const answer = "assistant: It rains in Oakland. It rains in Berkeley.";
    const history = [`user: ${question}`, ...calls, ...outputs, answer, "user: Thank you"];
    assertEquals(receivedCalls(openai).map(({ items }) => items), [
      history.slice(0, 1),
      history.slice(0, 5),
      history,
    ]);
    const [conversation = ""] = openai.conversationIds;
    assertEquals(openai.itemsOf(conversation).map(describeItem), [
      ...history,
      "assistant: How can I help you?",
    ]);
    assertEquals(openai.refusals, []);
  });

  Deno.test(`runAgent() answers another question while an approval is pending, ${how}`, async () => {
    const { openai, asked, agent, session, modelProvider } = setUp();
    await using _ = openai;
    const paused = await runAgent(
      agent,
      "What's the weather in Berkeley?",
      session,
      stream,
      undefined,
      modelProvider,
    );
    const other = await runAgent(agent, "What's 2+2?", session, stream, undefined, modelProvider);
    assertEquals([other.finalOutput, asked], ["2+2 equals 4.", []]);
    for (const interruption of paused.interruptions) paused.state.approve(interruption);
    const resumed = await runAgent(agent, paused.state, session, stream, undefined, modelProvider);
    await runAgent(agent, "Thank you", session, stream, undefined, modelProvider);
    assertEquals([resumed.finalOutput, asked], ["It rains in Berkeley.", ["Berkeley"]]);
    assertEquals(openai.refusals, []);
  });

  Deno.test(`runAgent() sends reasoning along with the call that it led to, ${how}`, async () => {
    const { openai, agent, session, modelProvider } = setUp(({ items }) =>
      items.at(-1)?.type === "function_call_output" ? [{ type: "message", text: "It rains." }] : [
        { type: "reasoning", summary: "I have to look." },
        { type: "function_call", name: "get_weather", arguments: { city: "Oakland" } },
      ]
    );
    await using _ = openai;
    const thinking = agent.clone({ model: "gpt-5" });
    const result = await runAgent(thinking, "Does it rain?", session, stream, undefined, modelProvider);
    assertEquals(result.finalOutput, "It rains.");
    await runAgent(thinking, "Does it rain now?", session, stream, undefined, modelProvider);
    assertEquals(openai.refusals, []);
    assertEquals(receivedCalls(openai).at(-1)?.items.filter((item) => item === "reasoning").length, 2);
  });

  Deno.test(`runAgent() throws OpenAI's own error when OpenAI refuses, ${how}`, async () => {
    const { openai, agent, session, modelProvider } = setUp();
    await using _ = openai;
    openai.failNext({ status: 429, code: "insufficient_quota" });
    const error = await assertRejects(
      () => runAgent(agent, "Hi", session, stream, undefined, modelProvider),
      RateLimitError,
    );
    assertEquals(error.code, "insufficient_quota");
  });

  Deno.test(`runAgent() throws when the connection to OpenAI drops, ${how}`, async () => {
    const { openai, agent, session, modelProvider } = setUp();
    await using _ = openai;
    openai.failNext({ dropAfterEvents: 4 });
    await assertRejects(() => runAgent(agent, "Hi", session, stream, undefined, modelProvider), Error);
    assertEquals(openai.requests.filter(({ path }) => path === "/v1/responses").length, 1);
  });
}

Deno.test("runAgent() asks the OpenAI that the environment names at the time of the run", async () => {
  await using first = new OpenAIStandIn({ script: () => [{ type: "message", text: "first" }] });
  await using second = new OpenAIStandIn({ script: () => [{ type: "message", text: "second" }] });
  const program = `
    import { Agent, setTracingDisabled } from "@openai/agents";
    import { runAgent } from "@timestep-ai/timestep";
    setTracingDisabled(true);
    const agent = new Agent({ name: "Assistant", model: "gpt-4.1" });
    for (const url of ${JSON.stringify([first.url, second.url])}) {
      Deno.env.set("OPENAI_BASE_URL", url);
      console.log((await runAgent(agent, "Who are you?")).finalOutput);
    }`;
  const { text } = await deno(["eval", program], { env: { OPENAI_API_KEY: "test" } });
  assertEquals(text.trim().split("\n"), ["first", "second"]);
});
