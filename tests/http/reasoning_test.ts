// deno-lint-ignore-file camelcase -- the names of OpenAI's API
import { assert, assertEquals } from "@std/assert";
import { Agent, type ModelRequest, type StreamEvent, Usage } from "@openai/agents";
import { assistantMessage } from "@openai/agents-core/testing";
import type OpenAI from "openai";
import { inProcessTest } from "./_in_process.ts";

const SUMMARIES = [["First I **add**.", "Then I look."], ["Then I say it."]];

inProcessTest("a response shows the summaries of what its model has thought", async (serve) => {
  const requests: ModelRequest[] = [];
  const agent = thinker(requests);
  const model = agent.name;
  const client = serve({ agents: [agent] });
  const ask = { model, input: "What's 2+2?" };

  const stream = client.responses.stream(ask);
  const events: OpenAI.Responses.ResponseStreamEvent[] = [];
  for await (const event of stream) events.push(event);
  const streamed = await stream.finalResponse();
  const told = new Map<string, string>();
  for (const event of events) {
    if (event.type !== "response.reasoning_summary_text.delta") continue;
    const place = `${event.item_id} ${event.summary_index}`;
    told.set(place, (told.get(place) ?? "") + event.delta);
  }
  assertEquals([...told.values()], SUMMARIES.flat());
  assertEquals(events.filter(({ type }) => type === "response.reasoning_summary_part.done").length, 3);
  assert(!JSON.stringify(events).includes("secret"), "What was thought word by word is told.");

  const { id } = await client.responses.create(ask);
  const plain = await client.responses.retrieve(id);
  for (const { output, output_text: text } of [streamed, plain]) {
    assertEquals(output.map(({ type }) => type), ["reasoning", "reasoning", "message"]);
    assertEquals(output.flatMap((item) => item.type === "reasoning" ? [summaryOf(item)] : []), SUMMARIES);
    assertEquals(text, "It is 4.");
  }

  // Clients send it again, or refer to it; no model takes it back.
  const [reasoning] = plain.output;
  assert(reasoning?.type === "reasoning");
  const { status: _, ...again } = reasoning;
  // Codex leaves out the id.
  const { id: _id, ...nameless } = { ...again, encrypted_content: null };
  for (
    const item of [again, nameless as typeof again, { type: "item_reference" as const, id: reasoning.id }]
  ) {
    await client.responses.create({ model, input: [item, { role: "user", content: "Sure?" }] });
    const { input } = requests.at(-1) ?? {};
    assertEquals(typeof input === "string" ? input : input?.length, 1);
  }
});

function summaryOf({ summary }: OpenAI.Responses.ResponseReasoningItem): string[] {
  return summary.map(({ text }) => text);
}

/** Thinks before it answers, as OpenAI's models do. */
function thinker(requests: ModelRequest[]): Agent {
  const usage = { requests: 1, inputTokens: 1, outputTokens: 1, totalTokens: 2 };
  const output = [
    ...SUMMARIES.map((parts, index) => ({
      type: "reasoning" as const,
      id: `rs_${index}`,
      content: parts.map((text) => ({ type: "input_text" as const, text })),
      rawContent: [{ type: "reasoning_text" as const, text: "secret" }],
      providerData: { encrypted_content: "secret" },
    })),
    assistantMessage("It is 4."),
  ];
  return new Agent({
    name: `Thinker ${crypto.randomUUID()}`,
    model: {
      getResponse(request) {
        requests.push(request);
        return Promise.resolve({ usage: new Usage(usage), output });
      },
      async *getStreamedResponse(request): AsyncGenerator<StreamEvent> {
        requests.push(request);
        for (const [index, parts] of SUMMARIES.entries()) {
          yield rawDelta("response.reasoning_text.delta", { item_id: `rs_${index}`, delta: "secret" });
          for (const [part, text] of parts.entries()) {
            for (const delta of text.match(/\S+\s*/g) ?? []) {
              const place = { item_id: `rs_${index}`, output_index: index, summary_index: part };
              yield rawDelta("response.reasoning_summary_text.delta", { ...place, delta });
            }
          }
        }
        yield { type: "output_text_delta", delta: "It is 4." };
        yield { type: "response_done", response: { id: crypto.randomUUID(), usage, output } };
      },
    },
  });
}

function rawDelta(type: string, fields: Record<string, unknown>): StreamEvent {
  return { type: "model", event: { type, ...fields } };
}
