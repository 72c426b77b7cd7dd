import {
  type AgentInputItem,
  type AgentOutputItem,
  type AssistantMessageItem,
  type FunctionCallItem,
  type ModelRequest,
  type ModelResponse,
  OpenAIChatCompletionsModel,
  type StreamEvent,
} from "@openai/agents";
import { OllamaUnreachableError } from "./_ollama_client.ts";

/**
 * A model on an Ollama server.
 *
 * It is the SDK's model for the chat completions endpoint (also by its name, from which the SDK concludes what
 * the endpoint can do), whose items can go on to any other model of the conversation.
 */
export class OllamaChatCompletionsModel extends OpenAIChatCompletionsModel {
  override async getResponse(request: ModelRequest): Promise<ModelResponse> {
    try {
      const response = await super.getResponse(withReadableRefusals(request));
      return { ...response, output: portableOutput(response.output) };
    } catch (error) {
      throw explained(error);
    }
  }

  override async *getStreamedResponse(request: ModelRequest): AsyncIterable<StreamEvent> {
    try {
      for await (const event of super.getStreamedResponse(withReadableRefusals(request))) {
        yield event.type === "response_done"
          ? { ...event, response: { ...event.response, output: portableOutput(event.response.output) } }
          : event;
      }
    } catch (error) {
      throw explained(error);
    }
  }
}

/**
 * The items of an answer without what only this server understands.
 *
 * The SDK gives every item the id of the response, which Ollama draws from 999 numbers, and keeps fields of the
 * wire format beside the text; OpenAI refuses a conversation with either.
 */
function portableOutput<Item extends AgentOutputItem>(
  output: Item[],
): (Item | AssistantMessageItem | FunctionCallItem)[] {
  const callIds = new Set<string>();
  const items = output.map((item) => {
    if (item.type === "function_call") return portableCall(item, callIds);
    return isAssistantMessage(item) ? portableMessage(item) : item;
  });
  // Thoughts alone are no answer to go on from: Ollama refuses an assistant message without content.
  const isOnlyReasoning = items.length > 0 && items.every((item) => item.type === "reasoning");
  return isOnlyReasoning ? [...items, emptyAnswer()] : items;
}

function emptyAnswer(): AssistantMessageItem {
  return {
    type: "message",
    role: "assistant",
    status: "completed",
    content: [{ type: "output_text", text: "" }],
  };
}

function isAssistantMessage<Item extends AgentOutputItem>(item: Item): item is Item & AssistantMessageItem {
  return item.type === "message" && item.role === "assistant";
}

function portableMessage({ id: _, ...message }: AssistantMessageItem): AssistantMessageItem {
  return {
    ...message,
    content: message.content.map(({ providerData: _, ...part }) => part),
  };
}

function portableCall(call: FunctionCallItem, callIds: Set<string>): FunctionCallItem {
  const { id: _, providerData: __, ...rest } = call;
  const isUnique = Boolean(call.callId) && !callIds.has(call.callId);
  const callId = isUnique ? call.callId : `call_${crypto.randomUUID()}`;
  callIds.add(callId);
  return { ...rest, callId, arguments: call.arguments || "{}" };
}

/** The request with refusals of other models as text, because Ollama knows no other form of them. */
function withReadableRefusals(request: ModelRequest): ModelRequest {
  if (typeof request.input === "string") return request;
  const input = request.input.map((item): AgentInputItem => {
    if (!("role" in item) || item.role !== "assistant") return item;
    const content = item.content.map((part) =>
      part.type === "refusal" ? { type: "output_text" as const, text: part.refusal } : part
    );
    return { ...item, content };
  });
  return { ...request, input };
}

/** The same error, saying which server could not be reached instead of "Connection error". */
function explained(error: unknown): unknown {
  if (error instanceof Error && error.cause instanceof OllamaUnreachableError) {
    error.message = error.cause.message;
  }
  return error;
}
