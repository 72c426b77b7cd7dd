// deno-lint-ignore-file camelcase -- the names of OpenAI's API
import { assert, assertEquals } from "@std/assert";
import { Agent } from "@openai/agents";
import { assistantMessage, ScriptedModel } from "@openai/agents-core/testing";
import type OpenAI from "openai";
import { inProcessTest } from "./_in_process.ts";

/** What a model's provider did by itself, as the Agents SDK has it. */
const SEARCH = hosted({ type: "web_search_call", action: { type: "search", query: "2+2" } });
const PICTURE = hosted({ type: "image_generation_call" }, "iVBORw0KGgo=");
const LOOKUP = hosted({ type: "mcp_call", server_label: "docs", name: "find", arguments: "{}" }, "4");
const CITATION = {
  type: "url_citation" as const,
  start_index: 0,
  end_index: 5,
  title: "Sums",
  url: "https://x.example",
};
const part = (text: string, annotations: unknown[]) => ({
  type: "output_text" as const,
  text,
  providerData: { annotations },
});
const CITING = {
  ...assistantMessage(""),
  content: [part("It is ", []), part("four.", [CITATION])],
};

inProcessTest("a response shows what its model's provider did, and cites", async (serve) => {
  const output = [SEARCH, PICTURE, LOOKUP, CITING];
  const agent = new Agent({
    name: `Searcher ${crypto.randomUUID()}`,
    model: new ScriptedModel([output, output]),
  });
  const client = serve({ agents: [agent] });
  const ask = { model: agent.name, input: "What's 2+2?" };

  const plain = await client.responses.create(ask);
  const stream = client.responses.stream({ ...ask, metadata: { is: "streamed" } });
  const events: OpenAI.Responses.ResponseStreamEvent[] = [];
  for await (const event of stream) events.push(event);
  const annotation = { ...CITATION, start_index: 6, end_index: 11 };
  assertEquals(plain.output.map(({ type }) => type), [
    "web_search_call",
    "image_generation_call",
    "mcp_call",
    "message",
  ]);
  for (const { output } of [plain, await stream.finalResponse()]) {
    const [message, ...others] = output.toSorted(({ type }) => type === "message" ? -1 : 0);
    assert(message?.type === "message" && message.content[0]?.type === "output_text");
    assertEquals([message.content[0].text, message.content[0].annotations], ["It is four.", [annotation]]);
    assertEquals(others.map(resultOf), [
      ["web_search_call", undefined],
      ["image_generation_call", "iVBORw0KGgo="],
      ["mcp_call", "4"],
    ]);
  }
  const cited = events.filter(({ type }) => type === "response.output_text.annotation.added");
  assertEquals(cited.map((event) => "annotation" in event && event.annotation), [annotation]);
});

function resultOf(item: OpenAI.Responses.ResponseOutputItem): [string, unknown] {
  return [item.type, "result" in item ? item.result : "output" in item ? item.output : undefined];
}

function hosted(providerData: { type: string } & Record<string, unknown>, output?: string) {
  const { type: name } = providerData;
  return {
    type: "hosted_tool_call" as const,
    name,
    status: "completed",
    ...(output ? { output } : {}),
    providerData,
  };
}
