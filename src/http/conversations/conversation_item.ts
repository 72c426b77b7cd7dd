import type { AgentInputItem } from "@openai/agents";
import { toResponsesItem } from "../../items/to_responses_item.ts";
import { itemId } from "../_ids.ts";
import type { WireItem } from "../responses/wire.ts";

/** What the ids of items begin with, by their type. */
const KINDS: ReadonlyMap<string, string> = new Map([
  ["message", "msg"],
  ["function_call", "fc"],
  ["function_call_output", "fco"],
  ["reasoning", "rs"],
  ["mcp_call", "mcp"],
]);

/** An item of a conversation on the wire. Its id is made of its place. */
export function toConversationItem(item: unknown, sessionId: string, position: number): WireItem {
  // Sessions hold what the Agents SDK has added, or what was translated into its items.
  const wire = toResponsesItem(item as AgentInputItem);
  const type = typeof wire["type"] === "string" ? wire["type"] : "message";
  const id = itemId(KINDS.get(type) ?? "item", sessionId, position);
  const status = type === "message" || type.startsWith("function_call") ? { status: "completed" } : {};
  return { ...status, ...wire, ...withParts(wire), type, id };
}

/** OpenAI answers with parts also where a text was sent. */
function withParts({ role, content }: Record<string, unknown>): { content?: unknown } {
  if (typeof content !== "string") return {};
  return role === "assistant"
    ? { content: [{ type: "output_text", text: content, annotations: [] }] }
    : { content: [{ type: "input_text", text: content }] };
}
