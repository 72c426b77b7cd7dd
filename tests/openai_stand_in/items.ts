// deno-lint-ignore-file camelcase -- the names of OpenAI's API
import { z } from "zod";
import { check, invalid, invalidValue } from "./errors.ts";

/**
 * The items of a conversation that the stand-in knows, and what OpenAI takes of each. An item of another type,
 * or a field too many, is refused.
 *
 * @module
 */

const status = z.enum(["in_progress", "completed", "incomplete"]).nullish();
const callId = z.string().min(1).max(64);
const nullableText = z.string().nullish();

/** An item's identifier: OpenAI insists on the prefix of its type. */
function id(prefix: string) {
  return z.string().max(64).refine((value) => value.startsWith(`${prefix}_`), {
    message: `expected an ID that begins with '${prefix}'`,
  }).nullish();
}

const inputText = z.strictObject({ type: z.literal("input_text"), text: z.string() });
const inputImage = z.strictObject({
  type: z.literal("input_image"),
  image_url: nullableText,
  file_id: nullableText,
  detail: z.enum(["low", "high", "auto", "original"]).nullish(),
});
const inputFile = z.strictObject({
  type: z.literal("input_file"),
  file_id: nullableText,
  file_data: nullableText,
  file_url: nullableText,
  filename: nullableText,
});
const inputPart = z.discriminatedUnion("type", [inputText, inputImage, inputFile]);
const outputPart = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("output_text"),
    text: z.string(),
    annotations: z.array(z.unknown()).optional(),
    logprobs: z.array(z.unknown()).nullish(),
  }),
  z.strictObject({ type: z.literal("refusal"), refusal: z.string() }),
]);
const toolOutput = z.union([z.string(), z.array(inputPart)]);

const messageSchemas = {
  user: message("user", inputPart),
  system: message("system", inputText),
  developer: message("developer", inputText),
  assistant: message("assistant", outputPart).extend({
    phase: z.enum(["commentary", "final_answer"]).nullish(),
  }),
};

function message<Role extends string, Part extends z.ZodType>(role: Role, part: Part) {
  return z.strictObject({
    type: z.literal("message"),
    id: id("msg"),
    role: z.literal(role),
    content: z.union([z.string(), z.array(part)]),
    status,
  });
}

const itemSchemas = {
  function_call: z.strictObject({
    type: z.literal("function_call"),
    id: id("fc"),
    call_id: callId,
    name: z.string().regex(/^[a-zA-Z0-9_-]{1,128}$/, "string does not match pattern '^[a-zA-Z0-9_-]+$'"),
    arguments: z.string(),
    status,
  }),
  function_call_output: z.strictObject({
    type: z.literal("function_call_output"),
    id: id("fc"),
    call_id: callId,
    output: toolOutput,
    status,
  }),
  reasoning: z.strictObject({
    type: z.literal("reasoning"),
    id: id("rs"),
    summary: z.array(z.strictObject({ type: z.literal("summary_text"), text: z.string() })),
    content: z.array(z.strictObject({ type: z.literal("reasoning_text"), text: z.string() })).optional(),
    encrypted_content: nullableText,
    status,
  }),
  item_reference: z.strictObject({ type: z.literal("item_reference"), id: z.string().min(1) }),
  mcp_call: z.strictObject({
    type: z.literal("mcp_call"),
    id: id("mcp"),
    server_label: z.string(),
    name: z.string(),
    arguments: z.string(),
    approval_request_id: nullableText,
    output: nullableText,
    error: z.unknown().optional(),
    status: nullableText,
  }),
  mcp_approval_request: z.strictObject({
    type: z.literal("mcp_approval_request"),
    id: z.string().startsWith("mcpr_", "expected an ID that begins with 'mcpr'"),
    server_label: z.string(),
    name: z.string(),
    arguments: z.string(),
  }),
  mcp_approval_response: z.strictObject({
    type: z.literal("mcp_approval_response"),
    id: nullableText,
    approval_request_id: z.string(),
    approve: z.boolean(),
    reason: nullableText,
  }),
};

type KnownItem = z.infer<(typeof itemSchemas)[keyof typeof itemSchemas]>;
/** A message of any role; its `type` is filled in where the caller left it out. */
export type MessageItem = z.infer<(typeof messageSchemas)[keyof typeof messageSchemas]>;
/** An item that has been checked. */
export type Item = MessageItem | KnownItem;

/**
 * Checks one item, its type and its fields, as OpenAI does.
 *
 * @param value What came.
 * @param at Where it stood, like `input[2]`.
 * @throws {ApiError} When OpenAI would refuse it.
 */
export function checkItem(value: unknown, at: string): Item {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid(`Invalid type for '${at}': expected an object.`, at, "invalid_type");
  }
  const type = Reflect.get(value, "type") ?? ("role" in value ? "message" : undefined);
  if (type === "message") return checkMessage({ ...value, type }, at);
  if (!isKeyOf(itemSchemas, type)) {
    throw invalidValue(type, ["message", ...Object.keys(itemSchemas)], `${at}.type`);
  }
  return check<KnownItem>(itemSchemas[type], value, at);
}

function checkMessage(value: object, at: string): MessageItem {
  const role: unknown = Reflect.get(value, "role");
  if (!isKeyOf(messageSchemas, role)) {
    throw invalidValue(role, Object.keys(messageSchemas), `${at}.role`);
  }
  checkContentTypes(Reflect.get(value, "content"), role, at);
  return check<MessageItem>(messageSchemas[role], value, at);
}

const contentTypes = {
  user: ["input_text", "input_image", "input_file"],
  system: ["input_text"],
  developer: ["input_text"],
  assistant: ["output_text", "refusal"],
};

/** The commonest mistake, an assistant's `input_text`, named as OpenAI names it. */
function checkContentTypes(content: unknown, role: keyof typeof messageSchemas, at: string): void {
  if (!Array.isArray(content)) return;
  content.forEach((part: unknown, index) => {
    const type: unknown = typeof part === "object" && part !== null ? Reflect.get(part, "type") : undefined;
    const supported = contentTypes[role];
    if (!supported.some((known) => known === type)) {
      throw invalidValue(type, supported, `${at}.content[${index}].type`);
    }
  });
}

function isKeyOf<T extends object>(object: T, key: unknown): key is keyof T {
  return typeof key === "string" && Object.hasOwn(object, key);
}

/** The text of a message: its own, or that of its parts. */
export function textOf(item: MessageItem): string {
  if (typeof item.content === "string") return item.content;
  return item.content.map((part) => "text" in part ? part.text : "").join("");
}
