import { OpenAIConversationsSession } from "@openai/agents";
import { assert, assertEquals, assertRejects } from "@std/assert";
import OpenAI, { APIConnectionError, RateLimitError } from "openai";
import { OpenAIStandIn, type ScriptedItem } from "./mod.ts";

const tool = {
  type: "function" as const,
  name: "get_weather",
  strict: true,
  parameters: {
    type: "object",
    properties: { city: { type: "string" } },
    required: ["city"],
    additionalProperties: false,
  },
};
const question = { role: "user" as const, content: "What's the weather in Oakland?" };

/** The official client of a stand-in. */
function clientOf(openai: OpenAIStandIn, options: { maxRetries?: number } = {}): OpenAI {
  return new OpenAI({ apiKey: "test", baseURL: openai.url, maxRetries: 0, ...options });
}

Deno.test("responses.create() gives the model's answer", async () => {
  await using openai = new OpenAIStandIn();
  const response = await clientOf(openai).responses.create({ model: "gpt-4.1", input: "What's 2+2?" });
  assertEquals(response.output_text, "2+2 equals 4.");
  assertEquals(response.status, "completed");
  assert((response.usage?.input_tokens ?? 0) > 0);
});

Deno.test("responses.create() goes on from previous_response_id", async () => {
  await using openai = new OpenAIStandIn();
  const client = clientOf(openai);
  const first = await client.responses.create({ model: "gpt-4.1", input: [question], tools: [tool] });
  const [call] = first.output;
  assert(call?.type === "function_call");
  assertEquals([call.name, JSON.parse(call.arguments)], ["get_weather", { city: "Oakland" }]);
  const second = await client.responses.create({
    model: "gpt-4.1",
    previous_response_id: first.id,
    input: [{ type: "function_call_output", call_id: call.call_id, output: "It rains." }],
  });
  assertEquals(second.output_text, "It rains.");
});

Deno.test("responses.create() reads and extends a conversation", async () => {
  await using openai = new OpenAIStandIn({
    script: ({ items }) => [{ type: "message", text: `${items.length} items` }],
  });
  const client = clientOf(openai);
  const conversation = await client.conversations.create({ items: [question] });
  const response = await client.responses.create({
    model: "gpt-4.1",
    conversation: conversation.id,
    input: "And in Berkeley?",
  });
  assertEquals(response.output_text, "2 items");
  assertEquals(openai.itemsOf(conversation.id).map(({ type }) => type), ["message", "message", "message"]);
});

Deno.test("responses.stream() builds the response from the events, whatever the model says", async () => {
  const answer: ScriptedItem[] = [
    { type: "reasoning", summary: "Two steps are needed." },
    { type: "message", text: "Let me  look\nthat up." },
    { type: "function_call", name: "get_weather", arguments: { city: "San Francisco" } },
    { type: "refusal", refusal: "I can't say more." },
    { type: "mcp_approval_request", serverLabel: "files", name: "delete", arguments: { path: "/" } },
  ];
  await using openai = new OpenAIStandIn({ script: () => answer });
  const stream = clientOf(openai).responses.stream({ model: "gpt-5", input: "Hello", tools: [tool] });
  const sequence: number[] = [];
  const types: string[] = [];
  let text = "";
  for await (const event of stream) {
    types.push(event.type);
    if ("sequence_number" in event) sequence.push(event.sequence_number);
    if (event.type === "response.output_text.delta") text += event.delta;
  }
  const response = await stream.finalResponse();
  assertEquals(text, "Let me  look\nthat up.");
  assertEquals(response.output.map(({ type }) => type), [
    "reasoning",
    "message",
    "function_call",
    "message",
    "mcp_approval_request",
  ]);
  assertEquals(sequence, sequence.map((_, index) => index));
  assertEquals(types.slice(0, 4), [
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.reasoning_summary_part.added",
  ]);
  assertEquals(types.at(-1), "response.completed");
});

Deno.test("conversations.items.list() pages in both orders", async () => {
  await using openai = new OpenAIStandIn();
  const { conversations } = clientOf(openai);
  const { id } = await conversations.create({});
  for (const start of [0, 20]) {
    const items = Array.from({ length: 20 }, (_, i) => ({ role: "user" as const, content: `${start + i}` }));
    await conversations.items.create(id, { items });
  }
  for (const [order, expected] of [["asc", numbers()], ["desc", numbers().reverse()]] as const) {
    const seen: string[] = [];
    for await (const item of conversations.items.list(id, { order, limit: 7 })) {
      assert(item.type === "message" && item.content[0]?.type === "input_text");
      seen.push(item.content[0].text);
    }
    assertEquals(seen, expected);
  }

  function numbers(): string[] {
    return Array.from({ length: 40 }, (_, i) => `${i}`);
  }
});

Deno.test("conversations.items.create() is refused when there are more than 20 items", async () => {
  await using openai = new OpenAIStandIn();
  const { conversations } = clientOf(openai);
  const { id } = await conversations.create({});
  const items = Array.from({ length: 21 }, () => question);
  await assertRejects(() => conversations.items.create(id, { items }), OpenAI.BadRequestError);
});

Deno.test("OpenAIConversationsSession adds, reads, pops and clears", async () => {
  await using openai = new OpenAIStandIn();
  const session = new OpenAIConversationsSession({ client: clientOf(openai) });
  const id = await session.getSessionId();
  await session.addItems([
    question,
    { type: "function_call", callId: "call_1", name: "get_weather", arguments: "{}", status: "completed" },
    {
      type: "function_call_result",
      callId: "call_1",
      name: "get_weather",
      status: "completed",
      output: { type: "text", text: "sunny" },
    },
  ]);
  assertEquals((await session.getItems()).map(({ type }) => type), [
    "message",
    "function_call",
    "function_call_result",
  ]);
  assertEquals((await session.getItems(1)).map(({ type }) => type), ["function_call_result"]);
  assertEquals((await session.popItem())?.type, "function_call_result");
  assertEquals(openai.itemsOf(id).length, 2);
  await session.clearSession();
  assertEquals(openai.conversationIds, []);
  assertEquals(openai.refusals, []);
});

Deno.test("failNext() answers with a status once, and the client tries again", async () => {
  await using openai = new OpenAIStandIn();
  openai.failNext({ status: 429, retryAfterSeconds: 0 }, { status: 500 });
  const client = clientOf(openai, { maxRetries: 2 });
  const response = await client.responses.create({ model: "gpt-4.1", input: "What's 2+2?" });
  assertEquals(response.output_text, "2+2 equals 4.");
  assertEquals(openai.requests.map(({ status, retry }) => [status, retry]), [[429, 0], [500, 1], [200, 2]]);
  assertEquals(openai.refusals, []);
});

Deno.test("failNext() gives the client its error when it does not try again", async () => {
  await using openai = new OpenAIStandIn();
  openai.failNext({ status: 429, retryAfterSeconds: 7, code: "insufficient_quota", message: "You ran out." });
  const error = await assertRejects(
    () => clientOf(openai).responses.create({ model: "gpt-4.1", input: "Hello" }),
    RateLimitError,
  );
  assertEquals([error.code, error.headers?.get("retry-after")], ["insufficient_quota", "7"]);
});

Deno.test("failNext() drops the connection before an answer, and in the middle of a stream", async () => {
  await using openai = new OpenAIStandIn();
  const client = clientOf(openai);
  openai.failNext({ dropAfterEvents: 0 }, { dropAfterEvents: 3 });
  const request = { model: "gpt-4.1", input: "What's 2+2?" };
  await assertRejects(async () => {
    const response = await client.responses.create(request);
    assertEquals(response.output_text, undefined);
  });
  const seen: string[] = [];
  await assertRejects(async () => {
    for await (const event of await client.responses.create({ ...request, stream: true })) {
      seen.push(event.type);
    }
  });
  assertEquals(seen, ["response.created", "response.in_progress", "response.output_item.added"]);
});

Deno.test("failNext() ends a response as failed or incomplete", async () => {
  await using openai = new OpenAIStandIn();
  const client = clientOf(openai);
  openai.failNext({ ending: "failed" }, { ending: "incomplete" });
  const request = { model: "gpt-4.1", input: "What's 2+2?" };
  const failed = await client.responses.create(request);
  assertEquals([failed.status, failed.error?.code, failed.output], ["failed", "server_error", []]);
  const last: string[] = [];
  for await (const event of await client.responses.create({ ...request, stream: true })) {
    last.push(event.type);
  }
  assertEquals(last.at(-1), "response.incomplete");
});

Deno.test("a client gets a connection error when the stand-in has stopped", async () => {
  let url: string;
  {
    await using openai = new OpenAIStandIn();
    url = openai.url;
  }
  const client = new OpenAI({ apiKey: "test", baseURL: url, maxRetries: 0 });
  await assertRejects(
    () => client.responses.create({ model: "gpt-4.1", input: "Hello" }),
    APIConnectionError,
  );
});

Deno.test("main.ts prints its URL, serves other processes and tells what they asked", async () => {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", new URL("main.ts", import.meta.url).pathname, "--port", "0"],
    stdout: "piped",
  });
  await using process = command.spawn();
  const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const url = (await reader.read()).value?.trim() ?? "";
  const origin = new URL(url).origin;
  const client = new OpenAI({ apiKey: "test", baseURL: url, maxRetries: 1 });
  const planned = await fetch(`${origin}/stand-in/failures`, { method: "POST", body: '{"status":500}' });
  assertEquals(planned.status, 204);
  const response = await client.responses.create({ model: "gpt-4.1", input: "What's 2+2?" });
  assertEquals(response.output_text, "2+2 equals 4.");
  const requests: { status: number }[] = await (await fetch(`${origin}/stand-in/requests`)).json();
  assertEquals(requests.map(({ status }) => status), [500, 200]);
  process.kill("SIGKILL");
  await reader.cancel();
  await process.status;
});
