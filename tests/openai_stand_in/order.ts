import { invalid } from "./errors.ts";
import type { Item } from "./items.ts";

/**
 * Checks what no single item shows: that the items of a conversation belong together. Calls and their outputs
 * pair up, nothing comes twice, reasoning stands before what it led to.
 *
 * @param items The whole conversation up to the model's turn.
 * @param reasoningOf By an item's identifier: the reasoning that the model gave right before it.
 * @throws {ApiError} When OpenAI would refuse it.
 */
export function checkOrder(items: readonly Item[], reasoningOf: ReadonlyMap<string, string>): void {
  checkIdentifiers(items);
  checkCalls(items);
  checkApprovals(items);
  checkReasoning(items, reasoningOf);
}

function refuse(message: string): never {
  throw invalid(message, "input");
}

function checkIdentifiers(items: readonly Item[]): void {
  const seen = new Set<string>();
  for (const { id } of items) {
    if (!id) continue;
    if (seen.has(id)) {
      refuse(`Duplicate item found with id ${id}. Remove duplicate items from your input and try again.`);
    }
    seen.add(id);
  }
}

function checkCalls(items: readonly Item[]): void {
  const open = new Set<string>();
  const answered = new Set<string>();
  for (const item of items) {
    if (item.type === "function_call") {
      if (open.has(item.call_id) || answered.has(item.call_id)) {
        refuse(`Duplicate function call found with call_id ${item.call_id}.`);
      }
      open.add(item.call_id);
    } else if (item.type === "function_call_output") {
      if (answered.has(item.call_id)) {
        refuse(`Duplicate function call output found with call_id ${item.call_id}.`);
      }
      if (!open.delete(item.call_id)) {
        refuse(`No tool call found for function call output with call_id ${item.call_id}.`);
      }
      answered.add(item.call_id);
    }
  }
  for (const callId of open) refuse(`No tool output found for function call ${callId}.`);
}

function checkApprovals(items: readonly Item[]): void {
  const requested = new Set<string>();
  for (const item of items) {
    if (item.type === "mcp_approval_request") requested.add(item.id);
    if (item.type === "mcp_approval_response" && !requested.has(item.approval_request_id)) {
      refuse(`No approval request found with id ${item.approval_request_id}.`);
    }
  }
}

function checkReasoning(items: readonly Item[], reasoningOf: ReadonlyMap<string, string>): void {
  items.forEach((item, index) => {
    if (item.type === "reasoning" && !isOfModel(items[index + 1])) {
      refuse(`Item '${item.id}' of type 'reasoning' was provided without its required following item.`);
    }
    const reasoning = item.id ? reasoningOf.get(item.id) : undefined;
    if (reasoning && !items.slice(0, index).some(({ id }) => id === reasoning)) {
      const what = `Item '${item.id}' of type '${item.type}'`;
      refuse(`${what} was provided without its required 'reasoning' item: '${reasoning}'.`);
    }
  });
}

/** Whether the model itself produced the item, so that it can be what reasoning led to. */
function isOfModel(item: Item | undefined): boolean {
  if (item?.type === "message") return item.role === "assistant";
  return item !== undefined && !["function_call_output", "mcp_approval_response"].includes(item.type);
}
