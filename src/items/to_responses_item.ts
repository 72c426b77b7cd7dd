import type { AgentInputItem } from "@openai/agents";
import { present, type ResponsesItem, TYPESCRIPT_PLACEHOLDER_ID } from "./responses_item.ts";
import { unsupported } from "./_parse.ts";

type MessageItem = Extract<AgentInputItem, { role: string }>;
type Part = Exclude<Extract<MessageItem, { role: "user" }>["content"], string>[number];
type Call = Extract<AgentInputItem, { type: "function_call" }>;
type Result = Extract<AgentInputItem, { type: "function_call_result" }>;
type Reasoning = Extract<AgentInputItem, { type: "reasoning" }>;
type HostedCall = Extract<AgentInputItem, { type: "hosted_tool_call" }>;

/**
 * Translates one of the Agents SDK's items into the Responses API's.
 *
 * @param item The protocol item.
 * @returns The same as the Responses API writes it. An id that the SDK only made up is left out.
 * @throws {ItemTranslationError} When the item has no faithful counterpart.
 */
export function toResponsesItem(item: AgentInputItem): ResponsesItem {
  if ("role" in item) return toMessage(item);
  switch (item.type) {
    case "function_call":
      return toCall(item);
    case "function_call_result":
      return toResult(item);
    case "reasoning":
      return toReasoning(item);
    case "hosted_tool_call":
      return toHostedCall(item);
    case "compaction":
      return {
        ...provided(item),
        ...present({ type: "compaction", id: idOf(item) }),
        ...encryptedContent(item),
      };
    case "unknown":
      return { ...provided(item), ...present({ id: idOf(item) }) };
    default:
      throw unsupported(`an item of type '${item.type}'`, "type");
  }
}

function toMessage(item: MessageItem): ResponsesItem {
  const common = { ...provided(item), ...present({ type: "message", id: idOf(item), role: item.role }) };
  switch (item.role) {
    case "system":
      return { ...common, content: item.content };
    case "user":
      return {
        ...common,
        content: typeof item.content === "string"
          ? item.content
          : item.content.map((part, index) => toInputPart(part, `content[${index}]`)),
      };
    case "assistant":
      return {
        ...common,
        status: item.status,
        ...present({ phase: item.phase }),
        content: item.content.map((part, index) => {
          if (part.type === "output_text") {
            return { annotations: [], ...provided(part), type: part.type, text: part.text };
          }
          if (part.type === "refusal") return { ...provided(part), type: part.type, refusal: part.refusal };
          throw unsupported(`content of type '${part.type}'`, `content[${index}].type`);
        }),
      };
  }
}

function toInputPart(part: Part, path: string): ResponsesItem {
  switch (part.type) {
    case "input_text":
      return { ...provided(part), type: part.type, text: part.text };
    case "input_image":
      return {
        ...provided(part),
        type: part.type,
        detail: part.detail ?? "auto",
        ...(typeof part.image === "string" ? { image_url: part.image } : fileReference(part.image)),
      };
    case "input_file":
      return {
        ...provided(part),
        type: part.type,
        ...present({ filename: part.filename }),
        ...(typeof part.file === "string" ? inlineFile(part.file) : fileReference(part.file)),
      };
    default:
      throw unsupported(`content of type '${part.type}'`, `${path}.type`);
  }
}

function inlineFile(file: string): ResponsesItem {
  return /^https?:\/\//.test(file.trim()) ? { file_url: file.trim() } : { file_data: file };
}

function fileReference(reference: unknown): ResponsesItem {
  if (typeof reference !== "object" || reference === null) return {};
  if ("url" in reference) return { file_url: reference.url };
  return "id" in reference ? { file_id: reference.id } : {};
}

function toCall(item: Call): ResponsesItem {
  return {
    ...provided(item),
    ...present({
      type: "function_call",
      id: idOf(item),
      call_id: item.callId,
      name: item.name,
      namespace: item.namespace,
    }),
    arguments: item.arguments,
    ...present({ status: item.status }),
  };
}

function toResult(item: Result): ResponsesItem {
  return {
    ...provided(item),
    ...present({ type: "function_call_output", id: idOf(item), call_id: item.callId }),
    output: toOutput(item.output),
    ...present({ status: item.status }),
  };
}

function toOutput(output: Result["output"]): unknown {
  if (typeof output === "string") return output;
  if (Array.isArray(output)) return output.map((part, index) => toInputPart(part, `output[${index}]`));
  if (output.type === "text") return output.text;
  throw unsupported(`a tool's output of type '${output.type}'`, "output.type");
}

function toReasoning(item: Reasoning): ResponsesItem {
  return {
    ...provided(item),
    ...present({ type: "reasoning", id: idOf(item) }),
    summary: item.content.map((part) => ({ type: "summary_text", text: part.text })),
    ...present({ content: item.rawContent?.map((part) => ({ type: "reasoning_text", text: part.text })) }),
  };
}

function toHostedCall(item: HostedCall): ResponsesItem {
  const data = provided(item);
  return {
    ...data,
    ...present({ type: data["type"] ?? item.name, id: data["id"] ?? idOf(item), status: item.status }),
  };
}

function encryptedContent(item: object): ResponsesItem {
  const content = "encrypted_content" in item
    ? item.encrypted_content
    : Reflect.get(item, "encryptedContent");
  return present({ encrypted_content: content });
}

/** The item's provider data, in the snake_case in which the provider wrote it; values stay as they are. */
function provided(item: { providerData?: unknown }): ResponsesItem {
  const data = item.providerData;
  if (typeof data !== "object" || data === null || Array.isArray(data)) return {};
  return Object.fromEntries(
    Object.entries(data).map((
      [key, value],
    ) => [key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value]),
  );
}

function idOf(item: { id?: string | null | undefined }): string | undefined {
  return item.id && item.id !== TYPESCRIPT_PLACEHOLDER_ID ? item.id : undefined;
}
