import type { JsonValue } from "../../core/json_value.ts";
import { fromInputPart } from "../../items/from_responses_content.ts";

/**
 * Translates the parts that a caller's function has given into what the Agents SDK takes for a tool's output: a text,
 * or a list of parts where there are images or files among them.
 *
 * @throws {ItemTranslationError} That says where a part is malformed, or of a kind that cannot be sent.
 */
export function toToolOutput(parts: readonly unknown[]): JsonValue {
  const outputs = parts.map((part, index) => toolOutputPart(fromInputPart(part, `output[${index}]`)));
  const isText = outputs.every(({ type }) => type === "text");
  // They were JSON when they came.
  return isText ? outputs.map(({ text }) => text).join("") : outputs as JsonValue;
}

/** What is `input_text` in a message is `text` in a tool's output, and so on; there, a file has its name inside. */
function toolOutputPart({ type, file, filename, ...part }: Record<string, unknown>): Record<string, unknown> {
  const named = { ...part, type: String(type).replace(/^input_/, "") };
  if (file === undefined) return named;
  return { ...named, file: filename === undefined ? file : withName(file, filename) };
}

function withName(file: unknown, filename: unknown): unknown {
  if (typeof file !== "string") return { ...Object(file), filename };
  const [, mediaType, data] = /^data:([^;,]+);base64,(.+)$/s.exec(file) ?? [];
  return data === undefined ? file : { data, mediaType, filename };
}
