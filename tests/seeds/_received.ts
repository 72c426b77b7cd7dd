import type { Item, MessageItem, OpenAIStandIn } from "../openai_stand_in/mod.ts";
import { checkInput } from "../openai_stand_in/request.ts";
import { textOf } from "../openai_stand_in/items.ts";

/** A call of the model: who asked, and what, item by item. */
export interface ModelCall {
  /** The agent's instructions. */
  instructions: unknown;
  /** The names of the tools on offer. */
  tools: string[];
  stream: boolean;
  items: string[];
}

/** The calls of the model that a stand-in answered, in order. */
export function receivedCalls(openai: OpenAIStandIn): ModelCall[] {
  return openai.modelCalls.map(({ instructions, tools, stream, input }) => ({
    instructions,
    tools: (tools as { name: string }[]).map(({ name }) => name),
    stream: stream === true,
    items: checkInput(input as unknown[]).map(describeItem),
  }));
}

/** An item in a line, without identifiers. */
export function describeItem(item: Item): string {
  switch (item.type) {
    case "message":
      return describeMessage(item);
    case "function_call":
      return `call ${item.name} ${item.arguments}`;
    case "function_call_output":
      return `output ${typeof item.output === "string" ? item.output : JSON.stringify(item.output)}`;
    default:
      return item.type;
  }
}

function describeMessage(item: MessageItem): string {
  return `${item.role}: ${textOf(item)}`;
}
