import { assertEquals } from "@std/assert";
import { deno } from "../_child.ts";
import { type Changes, runProgram, seedProgram } from "./_program.ts";
import { describeItem, type ModelCall, receivedCalls } from "./_received.ts";
import { type Engine, engines } from "./_surroundings.ts";

const personal = {
  instructions: "You are a helpful personal assistant.",
  tools: ["transfer_to_Weather_Assistant"],
};
const weather = {
  instructions: "You are a weather assistant. Use get_weather for all weather queries.",
  tools: ["get_weather"],
};
const sum = ["user: What's 2+2?", "assistant: 2+2 equals 4."];
const oakland = weatherTurn("Oakland");
const berkeley = weatherTurn("Berkeley");

/** The items of a question about a city's weather: question, handoff, tool, answer. */
function weatherTurn(city: string): string[] {
  return [
    `user: What's the weather in ${city}?`,
    "call transfer_to_Weather_Assistant {}",
    'output {"assistant":"Weather Assistant"}',
    `call get_weather {"city":"${city}"}`,
    `output The weather in ${city} is sunny and 72°F`,
    `assistant: The weather in ${city} is sunny and 72°F`,
  ];
}

/** What the model is asked during the conversation, item by item. */
function expectedCalls(stream: boolean): ModelCall[] {
  return [
    { ...personal, items: sum.slice(0, 1) },
    { ...personal, items: [...sum, ...oakland.slice(0, 1)] },
    { ...weather, items: [...sum, ...oakland.slice(0, 3)] },
    { ...weather, items: [...sum, ...oakland.slice(0, 5)] },
    { ...personal, items: [...sum, ...oakland, ...berkeley.slice(0, 1)] },
    { ...weather, items: [...sum, ...oakland, ...berkeley.slice(0, 3)] },
    { ...weather, items: [...sum, ...oakland, ...berkeley.slice(0, 5)] },
  ].map((call) => ({ ...call, stream }));
}

const streaming = {
  "  let result = await runAgent(assistant, inputItems, session, false);":
    "  let result = await runAgent(assistant, inputItems, session, true);",
  "    result = await runAgent(assistant, loadedState, session, false);":
    "    result = await runAgent(assistant, loadedState, session, true);",
};
const blocking = { "  runInParallel: true,": "  runInParallel: false," };
const askForPassword = {
  [`  [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: "What's 2+2?" }] }],`]:
    `  [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: "What's the password?" }] }],`,
};
const askForScam = {
  [`  [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: "What's 2+2?" }] }],`]:
    `  [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: "Is this a scam?" }] }],`,
};

Deno.test("the conversation type-checks word for word", async () => {
  const program = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(program, seedProgram("conversation"));
    const { code, text } = await deno(["check", "--config", "deno.json", program]);
    assertEquals(code, 0, text);
  } finally {
    await Deno.remove(program);
  }
});

for (const engine of engines()) {
  for (const [stream, lines] of [[false, {}], [true, streaming]] as const) {
    const how = stream ? "streaming" : "word for word";
    Deno.test(`the conversation runs, pauses, is saved, loaded, approved and resumed ${how} [${engine.name}]`, async () => {
      await runsWell(engine, stream, lines);
    });
  }
}

const [pglite] = engines();
for (const [stream, lines] of [[false, {}], [true, streaming]] as const) {
  const how = stream ? "streaming" : "not streaming";

  Deno.test(`the conversation runs when the input guardrail blocks, ${how}`, async () => {
    await runsWell(pglite, stream, { ...lines, ...blocking });
  });

  Deno.test(`the conversation stops before the model when a blocking input guardrail trips, ${how}`, async () => {
    const { observed, calls, items } = await run(pglite, { ...lines, ...blocking, ...askForScam });
    assertEquals(observed.error?.name, "InputGuardrailTripwireTriggered");
    assertEquals(observed.guardrails, [{ name: "Content Filter", triggered: true }]);
    assertEquals([calls, items], [[], []]);
  });

  Deno.test(`the conversation stops without an answer when a parallel input guardrail trips, ${how}`, async () => {
    const { observed, calls, items } = await run(pglite, { ...lines, ...askForScam });
    assertEquals(observed.error?.name, "InputGuardrailTripwireTriggered");
    assertEquals(observed.guardrails, [{ name: "Content Filter", triggered: true }]);
    assertEquals(calls.slice(1), []);
    assertEquals(items.filter((item) => item.startsWith("assistant")), []);
  });

  Deno.test(`the conversation keeps the answer back when the output guardrail trips, ${how}`, async () => {
    const { observed, calls, items } = await run(pglite, { ...lines, ...askForPassword });
    assertEquals(observed.error?.name, "OutputGuardrailTripwireTriggered");
    assertEquals(observed.guardrails, [
      { name: "Content Filter", triggered: false },
      { name: "Output Safety", triggered: true },
    ]);
    assertEquals(calls.length, 1);
    assertEquals(items.filter((item) => item.startsWith("assistant")), []);
  });
}

async function runsWell(
  engine: Engine | undefined,
  stream: boolean,
  lines: Record<string, string>,
): Promise<void> {
  const { observed, calls, items } = await run(engine, lines);
  assertEquals(observed.error, undefined);
  assertEquals(calls, expectedCalls(stream));
  assertEquals(items, [...sum, ...oakland, ...berkeley]);
  assertEquals(
    observed.tools,
    ["Oakland", "Berkeley"].map((city) => ({
      name: "get_weather",
      input: JSON.stringify({ city }),
      output: `The weather in ${city} is sunny and 72°F`,
    })),
  );
  assertEquals(observed.handoffs, Array(2).fill("Personal Assistant -> Weather Assistant"));
  assertEquals(observed.guardrails.toSorted((a, b) => a.name.localeCompare(b.name)), [
    ...Array(3).fill({ name: "Content Filter", triggered: false }),
    { name: "Output Safety", triggered: false },
  ]);
}

/** Runs the conversation as a program; gives what it did, what the model was asked and what was remembered. */
async function run(engine: Engine | undefined, lines: NonNullable<Changes["lines"]>) {
  if (!engine) throw new Error("There is no database to test with");
  await using surroundings = await engine.surroundings();
  const observed = await runProgram(seedProgram("conversation", { lines }), surroundings);
  const { openai } = surroundings;
  assertEquals(openai.refusals, []);
  const items = openai.conversationIds.flatMap((id) => openai.itemsOf(id)).map(describeItem);
  return { observed, calls: receivedCalls(openai), items };
}
