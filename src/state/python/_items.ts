import type { AgentInputItem } from "@openai/agents";
import { fromResponsesItem } from "../../items/from_responses_item.ts";
import { ItemTranslationError } from "../../items/item_translation_error.ts";
import { at } from "./_python_state.ts";
import { RESUME_THERE, StateTranslationError } from "./translation_error.ts";

/** An item as the Python SDK keeps it: as the Responses API writes it. */
export type RawItem = Record<string, unknown>;

/** The names of the functions that were called, by the ids of the calls. */
export type CallNames = ReadonlyMap<string, string>;

/** The id that the Python SDK gives to items which have none. */
const PYTHON_PLACEHOLDER_ID = "__fake_id__";

/** Items that run in the language that made them, or that only one SDK knows. */
const UNSUPPORTED_CALLS = /^(computer|local_shell|shell|apply_patch|custom_tool|tool_search|program)/;

/** Collects the names of the calls among `items`. */
export function callNames(items: Iterable<RawItem>): CallNames {
  const names = new Map<string, string>();
  for (const { type, call_id: id, name } of items) {
    if (type === "function_call" && typeof id === "string" && typeof name === "string") names.set(id, name);
  }
  return names;
}

/**
 * Translates an item of a conversation.
 *
 * @throws {StateTranslationError} `unsupported_item` or `malformed_state`.
 */
export function fromPythonItem(item: RawItem, path: string, names: CallNames): AgentInputItem {
  const { caller, ...rest } = item;
  if (isOfProgram(caller) || UNSUPPORTED_CALLS.test(String(item["type"] ?? ""))) {
    throw new StateTranslationError(
      "unsupported_item",
      path,
      `the conversation holds an item of type "${item["type"]}" that cannot be carried over. ${RESUME_THERE}`,
    );
  }
  if (rest["id"] === PYTHON_PLACEHOLDER_ID) delete rest["id"];
  const isCall = item["type"] === "function_call";
  const present = isCall
    ? Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null))
    : rest;
  try {
    return fromResponsesItem(present, (id) => names.get(id));
  } catch (error) {
    if (!(error instanceof ItemTranslationError)) throw error;
    throw new StateTranslationError(
      "unsupported_item",
      error.path === "" ? path : at(path, error.path),
      `${error.message}. ${RESUME_THERE}`,
      { cause: error },
    );
  }
}

function isOfProgram(caller: unknown): boolean {
  return typeof caller === "object" && caller !== null && "type" in caller && caller.type !== "direct";
}
