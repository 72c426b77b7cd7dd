import type { AgentInputItem } from "@openai/agents";
import { toResponsesItem } from "../../items/to_responses_item.ts";
import { itemId } from "../_ids.ts";
import { shownItem } from "../responses/shown_item.ts";
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
  const shown = shownItem(toResponsesItem(item as AgentInputItem));
  return { ...shown, id: itemId(KINDS.get(shown.type) ?? "item", sessionId, position) };
}
