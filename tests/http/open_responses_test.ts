import { assert, assertEquals } from "@std/assert";
import { z } from "zod";
import { serverTest, SERVICE_KEY, type TestServer } from "./_server.ts";

// What https://www.openresponses.org requires of a response, and asks of servers: its compliance tests check this.
const itemSchema = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("message"),
    id: z.string().min(1),
    status: z.enum(["in_progress", "completed", "incomplete"]),
    role: z.literal("assistant"),
    content: z.array(z.object({
      type: z.literal("output_text"),
      text: z.string(),
      annotations: z.array(z.unknown()),
      logprobs: z.array(z.unknown()),
    })),
  }),
  z.object({
    type: z.literal("function_call"),
    id: z.string().min(1),
    call_id: z.string().min(1),
    name: z.string(),
    arguments: z.string(),
    status: z.enum(["in_progress", "completed", "incomplete"]),
  }),
]);
const nullable = <T extends z.ZodType>(schema: T) => z.union([schema, z.null()]);
const responseSchema = z.object({
  id: z.string(),
  object: z.literal("response"),
  created_at: z.int(),
  completed_at: nullable(z.int()),
  status: z.string(),
  incomplete_details: nullable(z.object({ reason: z.string() })),
  model: z.string(),
  previous_response_id: nullable(z.string()),
  instructions: nullable(z.string()),
  output: z.array(itemSchema),
  error: nullable(z.object({ code: z.string(), message: z.string() })),
  tools: z.array(z.object({
    type: z.literal("function"),
    name: z.string(),
    description: nullable(z.string()),
    parameters: nullable(z.record(z.string(), z.unknown())),
    strict: nullable(z.boolean()),
  })),
  tool_choice: z.enum(["auto", "none", "required"]),
  truncation: z.enum(["auto", "disabled"]),
  parallel_tool_calls: z.boolean(),
  text: z.object({ format: z.object({ type: z.literal("text") }) }),
  top_p: z.number(),
  presence_penalty: z.number(),
  frequency_penalty: z.number(),
  top_logprobs: z.int(),
  temperature: z.number(),
  reasoning: nullable(z.object({ effort: nullable(z.string()), summary: nullable(z.string()) })),
  usage: nullable(z.object({
    input_tokens: z.int(),
    output_tokens: z.int(),
    total_tokens: z.int(),
    input_tokens_details: z.object({ cached_tokens: z.int() }),
    output_tokens_details: z.object({ reasoning_tokens: z.int() }),
  })),
  max_output_tokens: nullable(z.int()),
  max_tool_calls: nullable(z.int()),
  store: z.boolean(),
  background: z.boolean(),
  service_tier: z.string(),
  metadata: z.record(z.string(), z.string()),
  safety_identifier: nullable(z.string()),
  prompt_cache_key: nullable(z.string()),
});

const FUNCTION = {
  type: "function",
  name: "look_up",
  description: "Looks something up.",
  parameters: { type: "object", properties: { key: { type: "string" } }, required: ["key"] },
};
const IMAGE =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";
const message = (role: string, content: unknown) => ({ type: "message", role, content });

const REQUESTS: Record<string, Record<string, unknown>> = {
  "a text": { input: "Hello" },
  "a message": { input: [message("user", "Hello")] },
  "a system prompt": { input: [message("system", "Talk like a pirate."), message("user", "Hello")] },
  "instructions and settings": {
    input: "Hello",
    instructions: "Talk like a pirate.",
    temperature: 0.1,
    top_p: 0.5,
    max_output_tokens: 100,
    store: false,
    include: ["reasoning.encrypted_content"],
    reasoning: { effort: "low" },
    text: { format: { type: "text" } },
    truncation: "auto",
    user: "ada",
  },
  "a function": { input: [message("user", "look up alpha")], tools: [FUNCTION] },
  "an image": {
    input: [
      message("user", [{ type: "input_text", text: "See?" }, { type: "input_image", image_url: IMAGE }]),
    ],
  },
  "several turns": {
    input: [
      message("user", "My name is Alice."),
      message("assistant", "Hello Alice!"),
      message("user", "Count."),
    ],
  },
};

serverTest("what is served is as Open Responses requires", async (server, test) => {
  const model = server.world.clerk.name;
  for (
    const [caller, key] of [["the service", SERVICE_KEY], ["a user", await server.token("ada")]] as const
  ) {
    for (const [what, body] of Object.entries(REQUESTS)) {
      await test.step(`${what}, from ${caller}`, async () => {
        const headers = { authorization: `Bearer ${key}` };
        const sent = await server.send("POST", "/responses", { model, ...body, stream: false }, headers);
        assertEquals(sent.status, 200);
        const response = responseSchema.parse(await sent.json());
        assertEquals(response.status, "completed");
        assertEquals(response.output.map(({ type }) => type), [body["tools"] ? "function_call" : "message"]);
        const stream = await server.send("POST", "/responses", { model, ...body, stream: true }, headers);
        assertEquals(stream.status, 200);
        const streamed = await readStream(stream);
        assertEquals(textOf(streamed), textOf(response));
      });
    }
  }
  await test.step("a wish in the system's name is heard", async () => {
    const input = [message("system", "Count."), message("user", "Count.")];
    for (const key of [SERVICE_KEY, await server.token("ada")]) {
      const headers = { authorization: `Bearer ${key}` };
      const sent = await server.send("POST", "/responses", { model, input }, headers);
      assertEquals((await sent.json()).output_text, "I see 2 items.");
    }
    const [row] = await server.database.query(
      "select input::text as input from timestep.runs where owner_id = 'ada' order by created_at desc limit 1",
    );
    assert(!String(row?.["input"]).includes("system"), "a user spoke in the system's name");
  });
});

function textOf({ output }: z.infer<typeof responseSchema>): unknown[] {
  return output.map((item) =>
    item.type === "message" ? item.content.map(({ text }) => text) : item.arguments
  );
}

/** Reads a stream, and holds it to the order in which items and parts begin and end. */
async function readStream(response: Awaited<ReturnType<TestServer["send"]>>) {
  const frames = (await response.text()).split("\n\n").filter((frame) => frame.startsWith("event: "));
  const events = frames.map((frame) => {
    const [first = "", second = ""] = frame.split("\n");
    const event = JSON.parse(second.replace(/^data: /, ""));
    assertEquals(first, `event: ${event.type}`);
    return event;
  });
  assertEquals(events.map(({ sequence_number }) => sequence_number), events.map((_event, index) => index));
  const types = events.map(({ type }) => String(type));
  assertEquals(types.slice(0, 2), ["response.created", "response.in_progress"]);
  assertEquals(types.at(-1), "response.completed");
  const inner = types.slice(2, -1).filter((type, index, all) => type !== all[index - 1]);
  const call = ["function_call_arguments.delta", "function_call_arguments.done"];
  const text = ["content_part.added", "output_text.delta", "output_text.done", "content_part.done"];
  const isCall = types.includes("response.function_call_arguments.done");
  assertEquals(
    inner,
    ["output_item.added", ...(isCall ? call : text), "output_item.done"].map((type) => `response.${type}`),
  );
  for (const { response } of events.filter((event) => "response" in event)) responseSchema.parse(response);
  return responseSchema.parse(events.at(-1).response);
}
