/** Whole conversations at random: what a model may answer, with what is asked for and decided. */
import fc from "fast-check";
import type {
  Decision,
  Decisions,
  Scenario,
  ScenarioAgent,
  ScenarioTool,
  WireItem,
} from "../vectors/scenario.ts";

/** A conversation that pauses at least once, and ends. Every call that needs an approval has its decision. */
export interface Conversation {
  scenario: Scenario;
  /** Decided before the first pause is saved. */
  before: Decisions;
  /** Decided when a run is resumed, by the id of the call. */
  decisions: Decisions;
}

const texts = fc.oneof(
  { weight: 180, arbitrary: fc.string({ unit: "grapheme", maxLength: 12 }) },
  { weight: 60, arbitrary: fc.string({ unit: "binary", maxLength: 6 }) },
  {
    weight: 60,
    arbitrary: fc.constantFrom(
      "",
      "\0",
      "\\u0000",
      "\u2028",
      "FAKE_ID",
      "__fake_id__",
      '{"assistant":"x"}',
      "null",
    ),
  },
  // Half of a character: this language has such texts, the other can't send them.
  { weight: 1, arbitrary: fc.constantFrom("\ud83c", "a\udc00b") },
);
/** Numbers as JSON can spell them: their text is what was signed. */
const spelled = fc.constantFrom(
  "1.0",
  "-0.0",
  "1e400",
  "12345678901234567890",
  "1E3",
  "0.1",
  "null",
  "true",
  "[]",
  "{}",
);
const values = fc.oneof(
  spelled,
  fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.stringify(value)),
  texts.map(quote),
);
const keys = fc.constantFrom(
  "city",
  "camelCase",
  "snake_case",
  "__proto__",
  "constructor",
  "callId",
  "call_id",
  "é",
  "",
);
const argumentTexts = fc.array(fc.tuple(keys, values), { maxLength: 4 })
  .map((entries) => `{${entries.map(([key, value]) => `${quote(key)}: ${value}`).join(",")}}`);

function quote(text: string): string {
  return JSON.stringify(text);
}

/** What the user says, in each SDK's own form. */
interface Said {
  typescript: unknown;
  python: unknown;
}
const parts: fc.Arbitrary<Said> = fc.oneof(
  texts.map((text) => same({ type: "input_text", text })),
  fc.constantFrom("auto", "low", "high").map((detail) => ({
    typescript: { type: "input_image", image: "https://example.org/a.png", detail },
    python: { type: "input_image", image_url: "https://example.org/a.png", detail },
  })),
  fc.constant({
    typescript: { type: "input_file", file: { id: "file_1" } },
    python: { type: "input_file", file_id: "file_1" },
  }),
);
const userMessages: fc.Arbitrary<Said> = fc.oneof(
  texts.map((content) => same({ role: "user", content })),
  fc.array(parts, { minLength: 1, maxLength: 3 }).map((content) => ({
    typescript: { type: "message", role: "user", content: content.map(({ typescript }) => typescript) },
    python: { type: "message", role: "user", content: content.map(({ python }) => python) },
  })),
);
const inputs: fc.Arbitrary<Scenario["input"]> = fc.oneof(
  texts,
  fc.array(userMessages, { minLength: 1, maxLength: 3 }).map((said) => ({
    typescript: said.map(({ typescript }) => typescript),
    python: said.map(({ python }) => python),
  })),
);

function same(item: unknown): Said {
  return { typescript: item, python: item };
}

/** What a tool answers: a text, or parts in each SDK's own form. Of an object the SDKs make different texts. */
const outputs: fc.Arbitrary<ScenarioTool["output"]> = fc.oneof(
  texts,
  texts.map((text) => ({
    typescript: [{ type: "text", text }, { type: "file", file: { id: "file_1" } }],
    python: [{ type: "text", text }, { type: "file", file_id: "file_1" }],
  })),
);
const each: fc.Arbitrary<Decision> = fc.oneof(
  fc.constant<Decision>({ decision: "approve" }),
  fc.constant<Decision>({ decision: "reject" }),
  texts.filter((text) => text !== "").map((message): Decision => ({ decision: "reject", message })),
);
/** One answer for all: what "always" means beside other answers about the same tool, each SDK sees in its own way. */
const always: fc.Arbitrary<Decision> = fc.constantFrom(
  { decision: "approve", always: true },
  { decision: "reject", always: true },
);
const reasoning: fc.Arbitrary<WireItem> = fc.record({
  summary: fc.array(texts.map((text) => ({ type: "summary_text", text })), { maxLength: 2 }),
  encrypted_content: fc.option(texts, { nil: null }),
}).map((item) => ({ type: "reasoning", ...item }));
/** An answer with some text: of an agent that answers nothing, used as a tool, the SDKs make different outputs. */
const messages: fc.Arbitrary<WireItem> = fc.array(texts, { minLength: 1, maxLength: 2 }).filter((said) =>
  said.join("") !== ""
).map((
  said,
) => ({
  type: "message",
  role: "assistant",
  status: "completed",
  content: said.map((text) => ({ type: "output_text", text, annotations: [] })),
}));
const search: WireItem = {
  type: "web_search_call",
  status: "completed",
  action: { type: "search", query: "weather" },
};

const FREE = "get_time";
const GATED = "get_weather";
const NESTED = "ask_specialist";
const HANDOFF = "transfer_to_weather_assistant";
const SPECIALIST: ScenarioAgent = { name: "Specialist", instructions: "Know.", tools: [GATED, FREE] };

/** Conversations at random. */
export const conversations: fc.Arbitrary<Conversation> = fc.gen().map((pick) => {
  let calls = 0;
  const forAll = pick(() => fc.option(always));
  const decisions: Decisions = {};
  const call = (name: string, args = pick(() => argumentTexts)): WireItem => {
    calls += 1;
    if (name === GATED) decisions[`call_${calls}`] = forAll ?? pick(() => each);
    return {
      type: "function_call",
      id: `fc_${calls}`,
      call_id: `call_${calls}`,
      name,
      arguments: args,
      status: "completed",
    };
  };
  let said = 0;
  const numbered = (item: WireItem): WireItem => ({ ...item, id: `item_${said += 1}` });
  const message = () => numbered(pick(() => messages));
  const chatter = () =>
    [reasoning, messages, fc.constant(search)]
      .flatMap((kind) => pick(() => fc.array(kind, { maxLength: 1 })))
      .map(numbered);
  const some = (name: string, least: number) =>
    Array.from({ length: pick(() => fc.integer({ min: least, max: 2 })) }, () => call(name));
  const asking = () => [...chatter(), ...some(FREE, 0), ...some(GATED, 1), ...some(FREE, 0)];

  const script: WireItem[][] = [];
  if (pick(fc.boolean)) script.push([...chatter(), ...some(FREE, 1)]);
  const handsOver = pick(fc.boolean);
  if (handsOver) script.push([call(HANDOFF, "{}")]);
  const nests = pick(fc.boolean);
  if (nests) script.push([...chatter(), call(NESTED, '{"input":"?"}')], asking(), [message()]);
  else script.push(asking());
  if (pick(fc.boolean)) script.push(asking());
  script.push([message()]);

  const worker: ScenarioAgent = {
    name: "Weather Assistant",
    instructions: "Tell the weather.",
    tools: [GATED, FREE, ...(nests ? [NESTED] : [])],
  };
  const first: ScenarioAgent = {
    name: "Personal Assistant",
    instructions: "Help.",
    tools: [FREE],
    handoffs: [{ agent: worker.name, toolName: HANDOFF }],
  };
  const context = pick(() => fc.option(fc.dictionary(fc.constantFrom("userId", "user_name", "é"), texts)));
  const session = pick(() => fc.option(fc.array(texts, { maxLength: 2 })));
  const scenario: Scenario = {
    name: "random",
    agents: [...(handsOver ? [first] : []), worker, ...(nests ? [SPECIALIST] : [])],
    tools: [
      {
        name: GATED,
        parameters: { city: { type: "string" } },
        needsApproval: true,
        output: pick(() => outputs),
      },
      { name: FREE, parameters: { city: { type: "string" } }, output: pick(() => outputs) },
      { name: NESTED, parameters: { input: { type: "string" } }, output: "", agent: SPECIALIST.name },
    ],
    input: pick(() => inputs),
    script,
    maxTurns: pick(() => fc.constantFrom(null, 20)),
    pauses: [],
    ...(context === null ? {} : { context }),
    ...(session === null ? {} : { session }),
  };
  const ids = pick(() => fc.subarray(Object.keys(decisions)));
  const isKept = pick(fc.boolean); // What was decided before it was saved: some, and never all that wait.
  const before = isKept ? Object.fromEntries(ids.slice(1).map((id) => [id, decisions[id]])) : {};
  return { scenario, before: before as Decisions, decisions };
});
