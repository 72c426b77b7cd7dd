import type { RunItem } from "@openai/agents";

/** Prints what somebody says or does, the names in a column. */
export function tell(who: string, what: string): void {
  console.log(`${who.padStart(18)}  ${what}`);
}

/** Prints what happened in a run: messages, calls, their results, handoffs. */
export function tellItems(items: readonly RunItem[]): void {
  for (const item of items) {
    switch (item.type) {
      case "message_output_item":
        tell(item.agent.name, item.content);
        break;
      case "handoff_output_item":
        tell(item.sourceAgent.name, `hands over to ${item.targetAgent.name}`);
        break;
      case "tool_call_item":
        if (item.rawItem.type === "function_call") {
          tell(item.agent.name, `calls ${item.rawItem.name}(${item.rawItem.arguments})`);
        }
        break;
      case "tool_call_output_item":
        tell(item.rawItem.type === "function_call_result" ? item.rawItem.name : "tool", String(item.output));
        break;
    }
  }
}
