import { assertEquals, assertThrows } from "@std/assert";
import { type AgentInputItem, OpenAIConversationsSession, protocol } from "@openai/agents";
import OpenAI from "openai";
import { fromResponsesItem } from "../../src/items/from_responses_item.ts";
import { ItemTranslationError } from "../../src/items/item_translation_error.ts";
import { toResponsesItem } from "../../src/items/to_responses_item.ts";

const nameOfCall = (callId: string) => callId === "call_1" ? "get_weather" : undefined;

const ITEMS: Record<string, Record<string, unknown>> = {
  "a user's text": { type: "message", role: "user", content: "What's 2+2?" },
  "a user's parts": {
    type: "message",
    id: "msg_1",
    role: "user",
    content: [
      { type: "input_text", text: "Look: \u0000 \ud800 ü" },
      { type: "input_image", image_url: "https://example.com/a.png", detail: "low" },
      { type: "input_image", file_id: "file_1", detail: "auto" },
      { type: "input_file", file_data: "data:text/plain;base64,QQ==", filename: "a.txt" },
      { type: "input_file", file_url: "https://example.com/a.pdf" },
      { type: "input_file", file_id: "file_2" },
    ],
  },
  "a system message": { type: "message", role: "system", content: "Be brief." },
  "a developer message": { type: "message", role: "developer", content: "Be brief." },
  "an assistant's message": {
    type: "message",
    id: "msg_2",
    role: "assistant",
    status: "completed",
    phase: "final_answer",
    content: [
      {
        type: "output_text",
        text: "4",
        annotations: [{ type: "url_citation", start_index: 0 }],
        logprobs: [],
      },
      { type: "refusal", refusal: "No." },
    ],
  },
  "a call": {
    type: "function_call",
    id: "fc_1",
    call_id: "call_1",
    name: "get_weather",
    arguments: '{"city": 1.0}',
    status: "completed",
  },
  "a result": { type: "function_call_output", call_id: "call_1", output: "Sunny", status: "completed" },
  "a structured result": {
    type: "function_call_output",
    id: "fco_1",
    call_id: "call_1",
    output: [{ type: "input_text", text: "Sunny" }, {
      type: "input_image",
      file_id: "file_1",
      detail: "high",
    }],
    status: "completed",
  },
  "a reasoning": {
    type: "reasoning",
    id: "rs_1",
    summary: [{ type: "summary_text", text: "Think" }],
    content: [{ type: "reasoning_text", text: "Think hard" }],
    encrypted_content: "gAAA",
  },
  "a web search": {
    type: "web_search_call",
    id: "ws_1",
    status: "completed",
    action: { type: "search", query: "weather" },
  },
  "an approval request": {
    type: "mcp_approval_request",
    id: "mcpr_1",
    name: "pay",
    arguments: "{}",
    server_label: "bank",
  },
  "a compaction": { type: "compaction", id: "cmp_1", encrypted_content: "gAAA" },
};

for (const [name, item] of Object.entries(ITEMS)) {
  Deno.test(`toResponsesItem() gives back what fromResponsesItem() read when the item is ${name}`, () => {
    const translated = fromResponsesItem(item, nameOfCall);
    assertEquals(toResponsesItem(translated), item);
  });

  Deno.test(`fromResponsesItem() makes an item that the SDK accepts when it is ${name}`, () => {
    const translated = fromResponsesItem(item, nameOfCall);
    assertEquals(protocol.ModelItem.parse(translated), translated as protocol.ModelItem);
  });
}

Deno.test("toResponsesItem() writes what the SDK itself sends", async () => {
  const items = Object.values(ITEMS).map((item) => fromResponsesItem(item, nameOfCall));
  const sent: unknown[] = [];
  const client = new OpenAI({
    apiKey: "none",
    fetch: async (_url, init) => {
      sent.push(...JSON.parse(String(await new Response(init?.body).text())).items);
      return Response.json({ data: [] });
    },
  });
  await new OpenAIConversationsSession({ client, conversationId: "conv_1" }).addItems(items);
  // The SDK leaves ids out of what it adds to a conversation, and a reasoning's raw text.
  const ours = items.map(toResponsesItem).map((item) => comparable(item));
  assertEquals(sent.map((item) => comparable(item as Record<string, unknown>)), ours);
});

Deno.test("fromResponsesItem() says what is wrong when the item has no counterpart", () => {
  const cases: [unknown, string][] = [
    [{ type: "custom_tool_call", call_id: "c", name: "n", input: "" }, "type"],
    [{ type: "function_call", call_id: "c", name: "n", arguments: {} }, "arguments"],
    [{ type: "function_call_output", call_id: "unknown", output: "" }, "call_id"],
    [
      { role: "user", content: [{ type: "input_text", text: "a" }, { type: "input_audio" }] },
      "content[1].type",
    ],
    [{ role: "user", content: [{ type: "input_image" }] }, "content[0]"],
    ["text", ""],
    [null, ""],
    [{}, "type"],
  ];
  for (const [item, path] of cases) {
    const error = assertThrows(() => fromResponsesItem(item, nameOfCall), ItemTranslationError);
    assertEquals(error.path, path);
  }
});

Deno.test("toResponsesItem() leaves an id out when the SDK only made it up", () => {
  const item: AgentInputItem = {
    type: "message",
    id: "FAKE_ID",
    role: "assistant",
    status: "completed",
    content: [{ type: "output_text", text: "4" }],
  };
  assertEquals("id" in toResponsesItem(item), false);
});

function comparable(item: Record<string, unknown>): Record<string, unknown> {
  const { id: _id, type, ...rest } = item;
  return type === "reasoning" ? { ...rest, content: undefined } : rest;
}
