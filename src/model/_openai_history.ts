import type { AgentInputItem, Model, ModelRequest } from "@openai/agents";

const accepting = new WeakSet<Model>();

/**
 * Let a model of OpenAI go on with a conversation in which a model of somebody else has thought aloud.
 *
 * OpenAI refuses reasoning that is not its own, and the Agents SDK passes it on. The model itself is changed, and
 * not wrapped, because the SDK tells by a model's class what its endpoint can do.
 */
export function acceptForeignHistory(model: Model): Model {
  if (accepting.has(model)) return model;
  accepting.add(model);
  const { getResponse, getStreamedResponse } = model;
  model.getResponse = (request) => getResponse.call(model, withoutForeignReasoning(request));
  model.getStreamedResponse = (request) => getStreamedResponse.call(model, withoutForeignReasoning(request));
  return model;
}

function withoutForeignReasoning(request: ModelRequest): ModelRequest {
  if (typeof request.input === "string" || !request.input.some(isForeignReasoning)) return request;
  return { ...request, input: request.input.filter((item) => !isForeignReasoning(item)) };
}

/** OpenAI knows its own reasoning by an id, or reads it from the encrypted content. */
function isForeignReasoning(item: AgentInputItem): boolean {
  if (item.type !== "reasoning" || item.id !== undefined) return false;
  const { encryptedContent, encrypted_content: snakeCased } = item.providerData ?? {};
  return encryptedContent === undefined && snakeCased === undefined;
}
