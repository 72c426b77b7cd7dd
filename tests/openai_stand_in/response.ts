// deno-lint-ignore-file camelcase -- the names of OpenAI's API
import type { Item } from "./items.ts";
import type { ResponseRequest } from "./request.ts";
import type { ScriptedItem } from "./script.ts";
import type { Store, StoredItem } from "./store.ts";

/** A response as it goes over the wire. */
export interface ModelResponse {
  id: string;
  object: "response";
  created_at: number;
  status: "in_progress" | "completed" | "incomplete" | "failed";
  error: { code: string; message: string } | null;
  incomplete_details: { reason: string } | null;
  model: string;
  output: StoredItem[];
  usage: Usage | null;
  previous_response_id: string | null;
  conversation: { id: string } | null;
  [echoed: string]: unknown;
}

interface Usage {
  input_tokens: number;
  input_tokens_details: { cached_tokens: number };
  output_tokens: number;
  output_tokens_details: { reasoning_tokens: number };
  total_tokens: number;
}

/** How a response ends other than well. */
export type Ending = "completed" | "incomplete" | "failed";

/**
 * The response to a request.
 *
 * @param request What was asked.
 * @param context The whole conversation that the model saw, for the count of tokens.
 * @param answer What the model said.
 * @param ending How it ends; a failed one has no output.
 */
export function buildResponse(
  request: ResponseRequest,
  context: readonly Item[],
  answer: readonly ScriptedItem[],
  ending: Ending,
  store: Store,
): ModelResponse {
  const output = ending === "failed" ? [] : buildOutput(answer, store);
  const conversation = typeof request.conversation === "string"
    ? { id: request.conversation }
    : request.conversation ?? null;
  return {
    id: store.newId("resp"),
    object: "response",
    created_at: Math.floor(Date.now() / 1000),
    status: ending,
    background: false,
    error: ending === "failed" ? { code: "server_error", message: "The model failed to respond." } : null,
    incomplete_details: ending === "incomplete" ? { reason: "max_output_tokens" } : null,
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    metadata: request.metadata ?? {},
    model: request.model,
    output,
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    previous_response_id: request.previous_response_id ?? null,
    conversation,
    reasoning: { effort: request.reasoning?.effort ?? null, summary: request.reasoning?.summary ?? null },
    service_tier: "default",
    store: request.store ?? true,
    temperature: request.temperature ?? 1,
    text: { format: request.text?.format ?? { type: "text" } },
    tool_choice: request.tool_choice ?? "auto",
    tools: request.tools,
    top_p: request.top_p ?? 1,
    truncation: request.truncation ?? "disabled",
    usage: usageOf(context, output),
  };
}

function buildOutput(answer: readonly ScriptedItem[], store: Store): StoredItem[] {
  let reasoning: string | undefined;
  return answer.map((scripted) => {
    const item = buildItem(scripted, store);
    if (reasoning) store.reasoningOf.set(item.id, reasoning);
    reasoning = item.type === "reasoning" ? item.id : undefined;
    return item;
  });
}

function buildItem(scripted: ScriptedItem, store: Store): StoredItem {
  switch (scripted.type) {
    case "message":
    case "refusal": {
      const part = scripted.type === "message"
        ? { type: "output_text" as const, text: scripted.text, annotations: [], logprobs: [] }
        : { type: "refusal" as const, refusal: scripted.refusal };
      return {
        id: store.newId("msg"),
        type: "message",
        role: "assistant",
        status: "completed",
        content: [part],
      };
    }
    case "reasoning": {
      const summary = [{ type: "summary_text" as const, text: scripted.summary }];
      return { id: store.newId("rs"), type: "reasoning", summary };
    }
    case "function_call":
      return {
        id: store.newId("fc"),
        type: "function_call",
        status: "completed",
        call_id: scripted.callId ?? store.newId("call"),
        name: scripted.name,
        arguments: JSON.stringify(scripted.arguments),
      };
    case "mcp_approval_request":
      return {
        id: store.newId("mcpr"),
        type: "mcp_approval_request",
        server_label: scripted.serverLabel,
        name: scripted.name,
        arguments: JSON.stringify(scripted.arguments),
      };
  }
}

/** Four characters are a token: not what OpenAI counts, but the same every time. */
function usageOf(context: readonly Item[], output: readonly Item[]): Usage {
  const input_tokens = Math.ceil(JSON.stringify(context).length / 4);
  const output_tokens = Math.ceil(JSON.stringify(output).length / 4);
  return {
    input_tokens,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: input_tokens + output_tokens,
  };
}
