/**
 * An item that was sent or said, as OpenAI gives it back: with a status, and with a message's content as parts that have
 * all their fields.
 */
export function shownItem(item: Record<string, unknown>): Record<string, unknown> & { type: string } {
  const type = typeof item["type"] === "string" ? item["type"] : "message";
  const status = type === "message" || type.startsWith("function_call") ? { status: "completed" } : {};
  return { ...status, ...item, ...(type === "message" ? { content: partsOf(item) } : {}), type };
}

function partsOf({ role, content }: Record<string, unknown>): unknown {
  const type = role === "assistant" ? "output_text" : "input_text";
  const parts: unknown = typeof content === "string" ? [{ type, text: content }] : content;
  return Array.isArray(parts) ? parts.map(withDefaults) : parts;
}

function withDefaults(part: unknown): unknown {
  if (typeof part !== "object" || part === null || !("type" in part)) return part;
  if (part.type === "output_text") return { annotations: [], logprobs: [], ...part };
  return part.type === "input_image" ? { detail: "auto", ...part } : part;
}
