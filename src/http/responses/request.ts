import { z } from "zod";
import type { CallerTool } from "../../durable/caller_tool.ts";
import { ApiError, invalid } from "../api_error.ts";
import { isId } from "../_ids.ts";

/** What a caller asks for. Everything else that OpenAI's API knows is the agent's own to set, and passed over. */
export interface CreateRequest {
  model: string | null;
  input: string | Record<string, unknown>[];
  stream: boolean;
  background: boolean;
  previousResponseId: string | null;
  conversationId: string | null;
  metadata: Record<string, string>;
  /** The functions that the caller offers. */
  tools: CallerTool[];
  /** Whether the caller counts on an answer in JSON. */
  wantsJson: boolean;
}

const flag = z.boolean().nullish().transform((value) => value ?? false);
const metadata = z.record(z.string(), z.string().max(512))
  .refine(
    (value) => Object.keys(value).every((key) => key.length <= 64),
    "has a key of more than 64 characters",
  )
  .refine((value) => Object.keys(value).length <= 16, "has more than 16 entries");
/** As many, and such names, as OpenAI takes. */
const functionsSchema = z.array(
  z.looseObject({ type: z.string() }).transform((tool, context) => {
    if (tool.type === "mcp") return [];
    const parsed = functionSchema.safeParse(tool);
    if (parsed.success) return [parsed.data];
    for (const { path, message } of parsed.error.issues) context.addIssue({ code: "custom", path, message });
    return z.NEVER;
  }),
).max(128).transform((tools) => tools.flat())
  .refine((tools) => new Set(tools.map(({ name }) => name)).size === tools.length, "two have one name");
const functionSchema = z.object({
  type: z.literal("function", "only functions of the caller's own can be offered"),
  name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, "has to be of 1 to 64 letters, digits, _ and -"),
  description: z.string().nullish().transform((text) => text ?? ""),
  // Of functions that take nothing some send an empty schema, as OpenAI lets them.
  parameters: z.looseObject({ type: z.literal("object").optional() }).nullish()
    .transform((schema) => ({ type: "object", properties: {}, ...schema })),
  strict: z.boolean().nullish().transform((strict) => strict ?? false),
}).transform(({ type: _, ...tool }): CallerTool => tool);
/** Which of the caller's functions are offered; `null`: all. Whether one is called is the agent's own to decide. */
const toolChoiceSchema = z.union([
  z.literal("none").transform((): string[] => []),
  z.object({ type: z.literal("allowed_tools"), tools: z.array(z.object({ name: z.string().optional() })) })
    .transform(({ tools }) => tools.map(({ name }) => name)),
  z.unknown().refine((choice) => Object(choice).type !== "allowed_tools").transform(() => null),
], "'allowed_tools' come with 'tools', a list of functions by name");
const requestSchema = z.object({
  model: z.string().min(1).nullish(),
  input: z.union(
    [z.string().min(1, "it is empty"), z.array(z.record(z.string(), z.unknown())).min(1, "it is empty")],
    "it has to be a text or a list of items",
  ),
  stream: flag,
  background: flag,
  previous_response_id: z.string().nullish(),
  conversation: z.union(
    [z.string(), z.object({ id: z.string() })],
    "it has to be an id, or an object with one",
  )
    .nullish(),
  metadata: metadata.nullish(),
  tools: functionsSchema.nullish(),
  tool_choice: toolChoiceSchema.optional(),
  text: z.looseObject({ format: z.looseObject({ type: z.string() }).nullish() }).nullish(),
});

/** Parses metadata: at most 16 texts. */
export function parseMetadata(value: unknown): Record<string, string> {
  return parse(z.object({ metadata: metadata.nullish() }), { metadata: value }).metadata ?? {};
}

/**
 * Parses the body of `POST /v1/responses`.
 *
 * @throws {ApiError} 400 that names the field; 404 for a parent whose id cannot be one.
 */
export function parseCreateRequest(body: Record<string, unknown>, maxItems: number): CreateRequest {
  const parsed = parse(requestSchema, body);
  const { model, input, stream, background, previous_response_id, conversation, metadata } = parsed;
  const conversationId = typeof conversation === "string" ? conversation : conversation?.id ?? null;
  const previousResponseId = previous_response_id ?? null;
  if (conversationId !== null && previousResponseId !== null) {
    const message = "'conversation' and 'previous_response_id' are mutually exclusive: send one of them.";
    throw invalid("conversation", message, "mutually_exclusive_parameters");
  }
  if (Array.isArray(input) && input.length > maxItems) {
    throw invalid("input", `'input' has ${input.length} items; at most ${maxItems} are accepted.`);
  }
  if (previousResponseId !== null && !isId("resp", previousResponseId)) {
    throw parentNotFound("previous_response_id", "response", previousResponseId);
  }
  if (conversationId !== null && !isId("conv", conversationId)) {
    throw parentNotFound("conversation", "conversation", conversationId);
  }
  return {
    model: model ?? null,
    input,
    stream,
    background,
    previousResponseId,
    conversationId,
    metadata: metadata ?? {},
    wantsJson: !["text", undefined].includes(parsed.text?.format?.type),
    tools: (parsed.tools ?? []).filter(({ name }) => parsed.tool_choice?.includes(name) ?? true),
  };
}

/** The error for a parent that is not there, or is somebody else's. Some clients know OpenAI's code, and begin anew. */
export function parentNotFound(param: string, what: string, id: string): ApiError {
  const code = param === "previous_response_id" ? "previous_response_not_found" : "not_found";
  return new ApiError(404, `No ${what} found with id '${id}'.`, { code, param });
}

/** Parses a part of a request. The error names the first field that is wrong. */
export function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue?.path ?? [];
  const param = path.map((step) => typeof step === "number" ? `[${step}]` : `.${String(step)}`).join("")
    .slice(1);
  if (param !== "" && at(value, path) === undefined) {
    throw invalid(param, `Missing required parameter: '${param}'.`, "missing_required_parameter");
  }
  throw invalid(param || "body", `Invalid '${param || "body"}': ${issue?.message ?? "it is malformed"}.`);
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((inner, step) => Object(inner)[step], value);
}
