import { z } from "zod";

/**
 * What Ollama takes at `/v1/chat/completions`: the types of `openai/openai.go`, and what `FromChatRequest` and
 * `ChatMiddleware` refuse. Stricter in one way: Ollama ignores fields that it does not know, and this lists the
 * ones that the Agents SDK is expected to send.
 *
 * @module
 */

const part = z.discriminatedUnion("type", [
  z.looseObject({ type: z.literal("text"), text: z.string() }),
  z.looseObject({ type: z.literal("image_url") }),
], { error: "invalid message format" });

const toolCall = z.strictObject({
  id: z.string().min(1),
  type: z.literal("function"),
  function: z.strictObject({
    name: z.string().min(1),
    arguments: z.string().refine(isJsonObject, "invalid tool call arguments"),
  }),
});

const message = z.discriminatedUnion("role", [
  z.strictObject({ role: z.literal("system"), content: z.string() }),
  z.strictObject({ role: z.literal("user"), content: z.union([z.string(), z.array(part)]) }),
  z.strictObject({
    role: z.literal("assistant"),
    content: z.union([z.string(), z.array(part), z.null()]),
    reasoning: z.string().optional(),
    tool_calls: z.array(toolCall).min(1).optional(),
  }).refine(
    ({ content, tool_calls: calls }) => content !== null || calls !== undefined,
    "invalid message content type: <nil>",
  ),
  z.strictObject({ role: z.literal("tool"), tool_call_id: z.string().min(1), content: z.string() }),
]);

const tool = z.strictObject({
  type: z.literal("function"),
  function: z.strictObject({
    name: z.string().regex(/^[a-zA-Z0-9_-]+$/),
    description: z.string(),
    parameters: z.looseObject({ type: z.literal("object"), properties: z.record(z.string(), z.unknown()) }),
    strict: z.boolean().optional(),
  }),
});

const requestSchema = z.strictObject({
  model: z.string().min(1),
  messages: z.array(message).min(1, "[] is too short - 'messages'"),
  stream: z.boolean(),
  stream_options: z.strictObject({ include_usage: z.literal(true) }).optional(),
  tools: z.array(tool).min(1).optional(),
  tool_choice: z.unknown().optional(),
  parallel_tool_calls: z.boolean().optional(),
  temperature: z.number().optional(),
  top_p: z.number().optional(),
  max_tokens: z.number().int().optional(),
  reasoning_effort: z.enum(["none", "minimal", "low", "medium", "high", "xhigh", "ultra", "max"]).optional(),
  response_format: z.strictObject({
    type: z.literal("json_schema"),
    json_schema: z.strictObject({
      name: z.string(),
      strict: z.boolean(),
      schema: z.looseObject({ type: z.literal("object") }),
    }),
  }).optional(),
}).refine(
  ({ stream, stream_options: options }) => stream === (options !== undefined),
  "stream_options belong to a stream, and a stream without them has no usage",
);

/** A request that Ollama would take. */
export type OllamaRequest = z.infer<typeof requestSchema>;

/** Checks a request's body; the text of the first mistake when there is one. */
export function checkOllamaRequest(body: unknown): OllamaRequest | string {
  const parsed = requestSchema.safeParse(body);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return `${issue?.path.join(".")}: ${issue?.message}`;
  }
  return orderMistake(parsed.data) ?? parsed.data;
}

/** Every call of a tool is answered, once, right after the message that made it. */
function orderMistake({ messages }: OllamaRequest): string | undefined {
  let open = new Set<string>();
  for (const message of messages) {
    if (message.role === "tool") {
      if (!open.delete(message.tool_call_id)) {
        return `no call is open for tool_call_id ${message.tool_call_id}`;
      }
      continue;
    }
    if (open.size > 0) return `no answer to the calls ${[...open].join(", ")}`;
    const ids = message.role === "assistant" ? message.tool_calls?.map(({ id }) => id) ?? [] : [];
    open = new Set(ids);
    if (open.size !== ids.length) return `calls with the same id: ${ids.join(", ")}`;
  }
  return open.size > 0 ? `no answer to the calls ${[...open].join(", ")}` : undefined;
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
