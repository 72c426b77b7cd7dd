import {
  type AgentInputItem,
  type AssistantMessageItem,
  type FunctionCallItem,
  type Model,
  type ModelRequest,
  type ModelResponse,
  type StreamEvent,
  Usage,
} from "@openai/agents";

type Output = AssistantMessageItem | FunctionCallItem;

/**
 * Plays the model in the demo's conversation when no real one is configured: it adds, hands a question about
 * the weather to whom it can, calls `get_weather`, and says what came back.
 */
export class ScriptedModel implements Model {
  /** Answers the last thing said. */
  getResponse(request: ModelRequest): Promise<ModelResponse> {
    return Promise.resolve({ output: [answer(request)], usage: new Usage({ requests: 1 }) });
  }

  /** Says the same in the events of a stream. */
  async *getStreamedResponse(request: ModelRequest): AsyncGenerator<StreamEvent> {
    const usage = { requests: 1, inputTokens: 0, outputTokens: 0, totalTokens: 0 };
    yield { type: "response_started" };
    yield { type: "response_done", response: { id: crypto.randomUUID(), usage, output: [answer(request)] } };
  }
}

function answer({ input, handoffs, tools }: ModelRequest): Output {
  const items: AgentInputItem[] = typeof input === "string" ? [{ role: "user", content: input }] : input;
  const asked = items.findLastIndex((item) => "role" in item && item.role === "user");
  const question = JSON.stringify(items[asked] ?? "");
  const result = items.slice(asked).findLast((item) =>
    item.type === "function_call_result" && item.name === "get_weather"
  );
  const city = /weather in ([A-Z]\w+)/.exec(question)?.[1];

  if (question.includes("2+2")) return message("2+2 is 4.");
  if (city === undefined) return message("I only know this demo's three questions.");
  if (result) return message(retell(result, city));
  const [handoff] = handoffs;
  if (handoff) return call(handoff.toolName, {});
  if (tools.some((tool) => tool.type === "function" && tool.name === "get_weather")) {
    return call("get_weather", { city });
  }
  return message("I have no way to look up the weather.");
}

function retell(result: AgentInputItem, city: string): string {
  const text = /The weather in [^"\\]*/.exec(JSON.stringify(result))?.[0];
  return text ? `${text}.` : `I could not look up the weather in ${city}: the call was not approved.`;
}

function message(text: string): Output {
  return {
    type: "message",
    role: "assistant",
    status: "completed",
    content: [{ type: "output_text", text }],
  };
}

function call(name: string, args: Record<string, string>): Output {
  return {
    type: "function_call",
    callId: `call_${crypto.randomUUID()}`,
    name,
    arguments: JSON.stringify(args),
  };
}
