import type { AgentInputItem } from "@openai/agents";
import { ItemTranslationError } from "../../items/item_translation_error.ts";
import { fromResponsesItem } from "../../items/from_responses_item.ts";
import { ApiError, invalid } from "../api_error.ts";
import { parseItemId } from "../_ids.ts";
import type { Principal } from "../principal.ts";
import { SERVER_LABEL } from "./wire.ts";

/** Items that ask for, answer or announce what only the run itself can do; in a history they are of no use to a model. */
const PASSED_OVER: readonly unknown[] = ["mcp_approval_request", "mcp_approval_response", "mcp_list_tools"];

/** Finds what an `item_reference` refers to, as far as the caller may see it. */
export type FindItem = (id: string) => Promise<Record<string, unknown> | undefined>;

/** A request's input as items: a text is a user's message. */
export function toInputItems(input: string | Record<string, unknown>[]): Record<string, unknown>[] {
  return typeof input === "string" ? [userMessage(input)] : input;
}

/** A text as an item, to OpenAI's API as to the Agents SDK. */
export function userMessage(text: string) {
  return { type: "message" as const, role: "user" as const, content: text };
}

/**
 * Replaces references by what they refer to, one after the other: a small request can name much.
 *
 * @param maxBytes How much they may bring in, all together; that a request may have itself is another matter.
 * @param field The request's, which has the items.
 * @throws {ApiError} 404 when there is no such item, or it is somebody else's; 413 when they bring in too much.
 */
export async function resolveReferences(
  items: readonly Record<string, unknown>[],
  findItem: FindItem,
  maxBytes: number,
  field = "input",
): Promise<Record<string, unknown>[]> {
  const known = new Map<string, Record<string, unknown>>();
  const resolved: Record<string, unknown>[] = [];
  let length = 0;
  for (const [index, item] of items.entries()) {
    if (item["type"] !== "item_reference") {
      resolved.push(item);
      continue;
    }
    const id = typeof item["id"] === "string" ? item["id"] : "";
    const found = known.get(id) ?? await findItem(id);
    if (!found) throw referenceNotFound(id, `${field}[${index}].id`);
    known.set(id, found);
    length += JSON.stringify(found).length;
    if (length > maxBytes) throw referencesTooLarge(maxBytes, `${field}[${index}].id`);
    resolved.push(found);
  }
  return resolved;
}

function referenceNotFound(id: string, param: string): ApiError {
  return new ApiError(404, `No item found with id '${id}'.`, { code: "not_found", param });
}

function referencesTooLarge(maxBytes: number, param: string): ApiError {
  return new ApiError(413, `What the request refers to is larger than ${maxBytes} bytes.`, {
    code: "body_too_large",
    param,
  });
}

/**
 * Translates the items of a request into the Agents SDK's.
 *
 * @param items Without references.
 * @param principal Who sent them: only the service may speak in the name of the system. What others tell the agent in
 * that name it is told as the user's wish.
 * @param field The request's, which has the items.
 * @throws {ApiError} 400 when an item is malformed or of a kind that cannot be sent.
 */
export function toAgentInput(
  items: readonly Record<string, unknown>[],
  principal: Principal,
  field = "input",
): AgentInputItem[] {
  const names = new Map<string, string>();
  return items.flatMap((item, index) => {
    const path = `${field}[${index}]`;
    const { type, role } = item;
    if (PASSED_OVER.includes(type) || isOwnReasoning(item)) return [];
    const isWish = (role === "system" || role === "developer") && principal.kind !== "service";
    if (type === "mcp_call" && item["server_label"] === SERVER_LABEL) {
      return toFunctionCall(item, index, path);
    }
    if (type === "function_call") names.set(String(item["call_id"]), String(item["name"]));
    const said = isWish ? { ...withoutOwnId(item), role: "user" } : withoutOwnId(item);
    return [translating(item, path, () => fromResponsesItem(said, (callId) => names.get(callId)))];
  });
}

/**
 * Translates an item, or a part of it.
 *
 * @param path Where in the request the item is.
 * @throws {ApiError} 400 that says what is wrong with it, and where.
 */
export function translating<T>(item: Record<string, unknown>, path: string, translate: () => T): T {
  try {
    return translate();
  } catch (error) {
    if (!(error instanceof ItemTranslationError)) throw error;
    const param = [path, error.path].filter((step) => step !== "").join(".");
    throw new ApiError(400, `Invalid '${param}': ${reasonOf(error, item)}`, {
      code: "invalid_value",
      param,
      cause: error,
    });
  }
}

/** The model knows the agent's tools as functions, not as those of a server. */
function toFunctionCall(item: Record<string, unknown>, index: number, path: string): AgentInputItem[] {
  const { id, name, arguments: given, output, error } = item;
  if (typeof name !== "string" || typeof given !== "string") {
    throw invalid(path, "An 'mcp_call' needs a 'name' and 'arguments' that are text.");
  }
  const callId = `call_${typeof id === "string" ? id : index}`;
  const text = typeof output === "string" ? output : errorText(error);
  return [
    { type: "function_call", callId, name, arguments: given, status: "completed" },
    { type: "function_call_result", callId, name, status: "completed", output: { type: "text", text } },
  ];
}

function errorText(error: unknown): string {
  if (typeof error === "string") return error;
  const message = typeof error === "object" && error !== null && "message" in error ? error.message : "";
  return typeof message === "string" ? message : "";
}

function reasonOf({ path, message, cause }: ItemTranslationError, { type }: Record<string, unknown>): string {
  // It could not even be read.
  if (cause !== undefined) return `${message.replace(/^Cannot read an item's [^:]*: /, "")}.`;
  if (path === "type" && type === undefined) return "an item needs a type, or as a message a role.";
  if (path === "call_id") {
    return "no call of this id comes before it. What a response asks for is answered with the last items of a request.";
  }
  const refusal = message.replace(/^Cannot translate (.*): .*$/s, "$1 is not taken.");
  return path.endsWith(".type") ? `${refusal} ${CONTENT_TAKEN}` : refusal;
}

const CONTENT_TAKEN =
  "What is sent is 'input_text', 'input_image' or 'input_file'; what the assistant said, 'output_text' or 'refusal'.";

/**
 * What callers are shown of a model's reasoning is nothing that a model takes back. Some clients leave its id out when
 * they send it again.
 */
function isOwnReasoning({ type, id, content, ...rest }: Record<string, unknown>): boolean {
  if (type !== "reasoning") return false;
  return typeof id === "string" ? parseItemId(id)?.kind === "rs" : !rest["encrypted_content"] && !content;
}

/** Our ids mean nothing to a model's provider. */
function withoutOwnId(item: Record<string, unknown>): Record<string, unknown> {
  if (typeof item["id"] !== "string" || !parseItemId(item["id"])) return item;
  const { id: _, ...rest } = item;
  return rest;
}
