import { assert, assertEquals } from "@std/assert";
import type { Entry } from "../../src/http/responses/entry.ts";
import { ResponseProjection } from "../../src/http/responses/projection.ts";
import { begunResponse } from "../../src/http/responses/response_object.ts";
import type { WireEvent } from "../../src/http/responses/wire.ts";

const USAGE = {
  inputTokens: 1,
  outputTokens: 2,
  totalTokens: 3,
  inputTokensDetails: [],
  outputTokensDetails: [],
};

function project(
  entries: Entry[],
  segment = 0,
  finalText: string | null = null,
): { events: WireEvent[]; projection: ResponseProjection } {
  const record = {
    responseId: `resp_${"a".repeat(32)}`,
    number: 1,
    runId: "r",
    segment,
    ownerId: null,
    agentName: "Assistant",
    sessionId: "s",
    previousResponseId: null,
    conversationId: null,
    input: [],
    metadata: {},
    background: false,
    requestHash: "",
    stillPending: null,
    callerTools: [],
    createdAt: new Date(0),
  };
  const projection = new ResponseProjection(begunResponse(record), segment, []);
  const events = [projection.begin(), ...entries.map((entry) => projection.add(entry))].flat();
  events.push(
    ...projection.end({ status: "completed", finalText, waitsFor: [], error: null, endedAt: null }),
  );
  return { events, projection };
}

function deltas(position: number, attempt: number, ...texts: string[]): Entry {
  const events: unknown[] = texts.map((delta) => ({ type: "output_text_delta", delta }));
  if (attempt > 1) events.unshift({ type: "reset" });
  return { kind: "events", position, step: "model:0.1", attempt, events };
}

function answer(position: number, text: string, step = "model:0.1"): Entry {
  const output = [{ type: "message", role: "assistant", content: [{ type: "output_text", text }] }];
  return { kind: "model", position, step, status: "completed", name: "A", output: { output, usage: USAGE } };
}

Deno.test("ResponseProjection tells the same with the same numbers, however the entries come in batches", () => {
  const whole = project([deltas(2, 1, "Hello ", "world"), answer(3, "Hello world")]);
  const split = project([deltas(1, 1, "Hello "), deltas(2, 1, "world"), answer(3, "Hello world")]);
  assertEquals(split.events, whole.events);
  assertEquals(
    whole.events.map((event) => event.sequence_number),
    whole.events.map((_event, index) => index),
  );
  assertEquals(whole.projection.response.output_text, "Hello world");
});

Deno.test("ResponseProjection goes on in the same message when the next attempt says the same", () => {
  const { events, projection } = project([
    deltas(2, 1, "Hello ", "wor"),
    deltas(5, 2, "He", "llo", " world", ", good day"),
    answer(6, "Hello world, good day"),
  ]);
  assertEquals(textOf(events), "Hello world, good day");
  assertEquals(projection.response.output.map(({ status }) => status), ["completed"]);
});

Deno.test("ResponseProjection begins another message where the next attempt says something else", () => {
  const { events, projection } = project([
    deltas(2, 1, "Hello ", "wor"),
    deltas(5, 2, "Hello ", "day"),
    answer(6, "Hello day"),
  ]);
  const said = events.filter(({ type }) => type === "response.output_item.done").map(({ item }) => item);
  assertEquals(said.map((item) => Object(item).status), ["incomplete", "completed"]);
  assertEquals(new Set(said.map((item) => Object(item).id)).size, 2);
  assertEquals(said.map((item) => textOf(events, Object(item).id)), ["Hello wor", "Hello day"]);
  // Clients put together all messages of the output: only the answer is left in it.
  const { output, output_text: text } = projection.response;
  assertEquals(output, [said[1]]);
  assertEquals(text, "Hello day");
});

function textOf(events: readonly WireEvent[], itemId?: unknown): string {
  return events
    .filter(({ type }) => type === "response.output_text.delta")
    .filter((event) => itemId === undefined || event["item_id"] === itemId)
    .map((event) => event["delta"]).join("");
}

Deno.test("ResponseProjection gives out what the stream of a model left out", () => {
  const { projection } = project([deltas(1, 1, "Hello"), answer(2, "Hello world")]);
  assertEquals(projection.response.output_text, "Hello world");
  const other = project([deltas(1, 1, "Hello"), answer(2, "Something else")]).projection.response;
  assertEquals(other.output.map(({ status }) => status), ["completed"]);
  assertEquals(other.output_text, "Something else");
});

Deno.test("ResponseProjection leaves out other segments, and what nested agents say", () => {
  const { projection } = project([
    answer(1, "An earlier part", "model:0.1"),
    answer(2, "Nested", "model:1.1:call/1"),
    answer(3, "Mine", "model:1.2"),
    answer(4, "A later part", "model:2.1"),
  ], 1);
  assertEquals(projection.response.output_text, "Mine");
  assertEquals(projection.response.usage?.total_tokens, 6);
});

Deno.test("ResponseProjection adds up what was used, as OpenAI counts it", () => {
  const used = answer(1, "Hello");
  assert(used.kind === "model");
  const usage = {
    ...USAGE,
    inputTokensDetails: [{ cached_tokens: 1 }],
    outputTokensDetails: [{ reasoning_tokens: 2 }],
  };
  const output = { ...Object(used.output), usage };
  const { projection } = project([
    { ...used, output },
    { ...answer(2, "Bye", "model:0.2"), output } as Entry,
  ]);
  assertEquals(projection.response.usage, {
    input_tokens: 2,
    input_tokens_details: { cached_tokens: 2, cache_write_tokens: 0 },
    output_tokens: 4,
    output_tokens_details: { reasoning_tokens: 4 },
    total_tokens: 6,
  });
});

Deno.test("ResponseProjection tells nothing after the end", () => {
  const { events, projection } = project([answer(1, "Done")]);
  assertEquals(projection.add(answer(2, "More", "model:0.2")), []);
  assertEquals(
    projection.end({ status: "failed", finalText: null, waitsFor: [], error: null, endedAt: null }),
    [],
  );
  assert(events.at(-1)?.type === "response.completed");
});

Deno.test("ResponseProjection counts a summary once, also when its attempt was cut off", () => {
  const thought = (position: number, attempt: number, key: string, ...texts: string[]): Entry => ({
    kind: "events",
    position,
    step: "model:0.1",
    attempt,
    events: texts.map((delta) => ({
      type: "model",
      event: { type: "response.reasoning_summary_text.delta", item_id: key, summary_index: 0, delta },
    })),
  });
  const answered = (position: number, summary: string): Entry => {
    const output = [
      { type: "reasoning", content: [{ type: "input_text", text: summary }] },
      { type: "message", role: "assistant", content: [{ type: "output_text", text: "4" }] },
    ];
    return {
      kind: "model",
      position,
      step: "model:0.1",
      status: "completed",
      name: "A",
      output: { output, usage: USAGE },
    };
  };
  const streams: Entry[][] = [
    [answered(9, "I add.")],
    [thought(1, 1, "x", "I ", "add."), answered(9, "I add.")],
    [thought(1, 1, "x", "I "), answered(9, "I add.")],
    [thought(1, 1, "x", "I "), thought(2, 2, "y", "I ", "add."), deltas(3, 2, "4"), answered(9, "I add.")],
    [thought(1, 1, "x", "Hm. "), deltas(2, 1, "5"), deltas(3, 2, "4"), answered(9, "I add.")],
    [thought(1, 1, "x", "Hm. "), thought(2, 1, "y", "Well."), answered(9, "I add.")],
    [thought(1, 1, "x", "I add."), deltas(2, 1, "4"), thought(3, 2, "y", "I add."), answered(9, "I add.")],
  ];
  for (const entries of streams) {
    const { events, projection: { response } } = project(entries, 0, "4");
    const said = response.output.map(({ summary, content }) => JSON.stringify(summary ?? content));
    assertEquals(said.filter((text) => text.includes("I add.")).length, 1);
    assertEquals(response.output.map(({ type }) => type).sort(), ["message", "reasoning"]);
    assertEquals(response.output_text, "4");
    // Every item that was begun is done, and its deltas are what it says.
    for (
      const { item_id: id, text } of events.filter(({ type }) =>
        type === "response.reasoning_summary_text.done"
      )
    ) {
      const parts = events.filter((event) =>
        event.type === "response.reasoning_summary_text.delta" && event["item_id"] === id
      );
      assertEquals(parts.map(({ delta }) => delta).join(""), text);
    }
    const count = (type: string) => events.filter((event) => event.type === type).length;
    assertEquals(count("response.output_item.added"), count("response.output_item.done"));
  }
  // Who thinks otherwise and says the same has not said it twice.
  const { events, projection: { response } } = project(
    [
      thought(1, 1, "x", "I add."),
      deltas(2, 1, "It is "),
      thought(3, 2, "y", "I count."),
      deltas(4, 2, "It ", "is 4."),
      { ...answered(9, "I count."), ...answer(9, "It is 4.") },
    ],
    0,
    "It is 4.",
  );
  assertEquals(response.output.map(({ type, id }) => [type, id.at(-1)]), [["reasoning", "0"], [
    "message",
    "1",
  ]]);
  assertEquals([textOf(events), response.output_text], ["It is 4.", "It is 4."]);
});
