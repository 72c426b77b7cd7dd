// deno-lint-ignore-file camelcase -- the names of OpenAI's API
import { z } from "zod";
import { ApiError, check, invalid } from "./errors.ts";
import { checkItem, type Item } from "./items.ts";
import { checkTools, strictFault, type Tool } from "./tools.ts";

const text = z.string().nullish();
const flag = z.boolean().nullish();
const format = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("text") }),
  z.strictObject({ type: z.literal("json_object") }),
  z.strictObject({
    type: z.literal("json_schema"),
    name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, "string does not match pattern '^[a-zA-Z0-9_-]+$'"),
    schema: z.record(z.string(), z.unknown()),
    description: z.string().optional(),
    strict: flag,
  }),
]);
const metadata = z.record(z.string().max(64), z.string().max(512)).nullish();
const toolChoice = z.union([
  z.enum(["none", "auto", "required"]),
  z.strictObject({ type: z.literal("function"), name: z.string() }),
  z.strictObject({ type: z.literal("mcp"), server_label: z.string(), name: text }),
]);

const body = z.strictObject({
  model: z.string(),
  input: z.union([z.string(), z.array(z.unknown())]).nullish(),
  instructions: text,
  tools: z.array(z.unknown()).nullish(),
  tool_choice: toolChoice.nullish(),
  parallel_tool_calls: flag,
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  max_output_tokens: z.number().int().min(16).nullish(),
  truncation: z.enum(["auto", "disabled"]).nullish(),
  reasoning: z.strictObject({
    effort: z.enum(["none", "minimal", "low", "medium", "high", "xhigh"]).nullish(),
    summary: z.enum(["auto", "concise", "detailed"]).nullish(),
  }).nullish(),
  text: z.strictObject({ format: format.optional(), verbosity: z.enum(["low", "medium", "high"]).nullish() })
    .nullish(),
  include: z.array(z.string()).nullish(),
  store: flag,
  stream: flag,
  stream_options: z.strictObject({ include_obfuscation: z.boolean().optional() }).nullish(),
  metadata,
  previous_response_id: text,
  conversation: z.union([z.string(), z.strictObject({ id: z.string() })]).nullish(),
  prompt_cache_key: text,
  prompt_cache_retention: z.enum(["in_memory", "24h"]).nullish(),
  safety_identifier: text,
  service_tier: z.enum(["auto", "default", "flex", "scale", "priority"]).nullish(),
  user: text,
});

/** The body of `POST /v1/responses`, checked but for what depends on what the server has stored. */
export type ResponseRequest = Omit<z.infer<typeof body>, "input" | "tools"> & {
  input: Item[];
  tools: Tool[];
};

/**
 * Checks the body of `POST /v1/responses`.
 *
 * @throws {ApiError} When OpenAI would refuse it.
 */
export function checkRequest(value: unknown): ResponseRequest {
  const request = check(body, value, "");
  checkModel(request);
  checkParent(request);
  const input = checkInput(request.input);
  const tools = checkTools(request.tools ?? []);
  checkToolChoice(request.tool_choice, tools);
  checkFormat(request.text?.format);
  return { ...request, input, tools };
}

/** Checks the items of a request; a text stands for one message of the user. */
export function checkInput(input: string | readonly unknown[] | null | undefined): Item[] {
  if (typeof input === "string") return [{ type: "message", role: "user", content: input }];
  return (input ?? []).map((item, index) => checkItem(item, `input[${index}]`));
}

const modelName = /^(gpt-|chatgpt-|o\d|ft:gpt-|computer-use)/;
const reasoningModel = /^(o\d|gpt-5)/;

function checkModel({ model, temperature, top_p, reasoning }: z.infer<typeof body>): void {
  if (!modelName.test(model)) {
    throw invalid(`The requested model '${model}' does not exist.`, "model", "model_not_found");
  }
  const reasons = reasoningModel.test(model);
  const unsupported = reasons && reasoning?.effort !== "none"
    ? Object.entries({ temperature, top_p }).find(([_name, value]) => typeof value === "number")?.[0]
    : !reasons && reasoning?.effort
    ? "reasoning.effort"
    : undefined;
  if (unsupported) {
    const message = `Unsupported parameter: '${unsupported}' is not supported with this model.`;
    throw invalid(message, unsupported, "unsupported_parameter");
  }
}

function checkParent({ input, conversation, previous_response_id }: z.infer<typeof body>): void {
  if (conversation && previous_response_id) {
    const message =
      "Mutually exclusive parameters: Ensure you are only providing one of: 'previous_response_id' or 'conversation'.";
    throw invalid(message, null, "mutually_exclusive_parameters");
  }
  if (!input?.length && !conversation && !previous_response_id) {
    const message =
      'One of "input" or "previous_response_id" or "prompt" or "conversation" must be provided.';
    throw invalid(message, "input", "missing_required_parameter");
  }
}

function checkToolChoice(
  choice: z.infer<typeof toolChoice> | null | undefined,
  tools: readonly Tool[],
): void {
  if (!choice || choice === "auto" || choice === "none") return;
  const found = choice === "required"
    ? tools.length > 0
    : tools.some((tool) =>
      choice.type === "mcp"
        ? tool.type === "mcp" && tool.server_label === choice.server_label
        : tool.type === "function" && tool.name === choice.name
    );
  if (!found) {
    const name = choice === "required" ? choice : choice.type;
    throw invalid(`Tool choice '${name}' not found in 'tools' parameter.`, "tool_choice");
  }
}

function checkFormat(chosen: z.infer<typeof format> | undefined): void {
  if (chosen?.type !== "json_schema" || chosen.strict !== true) return;
  const fault = strictFault(chosen.schema, []);
  if (fault) {
    const message = `Invalid schema for response_format '${chosen.name}': In context=(${
      fault.context.join(", ")
    }), ${fault.message}`;
    throw invalid(message, "text.format.schema", "invalid_json_schema");
  }
}

/**
 * Checks the key of a request. Any key will do; none will not.
 *
 * @throws {ApiError} 401 when there is none.
 */
export function checkKey(headers: Headers): void {
  const key = headers.get("authorization")?.match(/^Bearer (\S+)$/)?.[1];
  if (!key) {
    throw new ApiError(
      401,
      "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
      "invalid_api_key",
    );
  }
}

/** The body of a request that creates a conversation. */
export const conversationBody = z.strictObject({ items: z.array(z.unknown()).max(20).nullish(), metadata });
/** The body of a request that adds items to a conversation. */
export const itemsBody = z.strictObject({ items: z.array(z.unknown()).max(20) });
