import type { AgentInputItem } from "@openai/agents";
import { z } from "zod";
import { fromInputPart, fromOutputPart, fromReasoningPart } from "./from_responses_content.ts";
import { HOSTED_CALL_TYPES, otherEntries, present, type ResponsesItem } from "./responses_item.ts";
import { parseItem, unsupported } from "./_parse.ts";

const typed = z.looseObject({ type: z.string().optional(), role: z.string().optional() });
const content = z.union([z.string(), z.array(z.unknown())], "it has to be a text or a list of parts");
const message = z.looseObject({
  id: z.string().nullish(),
  role: z.enum(["user", "assistant", "system", "developer"]),
  content,
  status: z.enum(["in_progress", "completed", "incomplete"]).nullish(),
  phase: z.enum(["commentary", "final_answer"]).nullish(),
});
const call = z.looseObject({
  id: z.string().nullish(),
  call_id: z.string(),
  name: z.string(),
  namespace: z.string().nullish(),
  arguments: z.string(),
  status: z.enum(["in_progress", "completed", "incomplete"]).nullish(),
});
const result = z.looseObject({
  id: z.string().nullish(),
  call_id: z.string(),
  output: content,
  status: z.enum(["in_progress", "completed", "incomplete"]).nullish(),
});
const reasoning = z.looseObject({
  id: z.string().nullish(),
  summary: z.array(z.unknown()),
  content: z.array(z.unknown()).nullish(),
});
const hosted = z.looseObject({
  id: z.string().nullish(),
  status: z.string().nullish(),
  name: z.string().nullish(),
});
const compaction = z.looseObject({ id: z.string().nullish(), encrypted_content: z.string() });

/** Finds the name of the function that a call id belongs to; `undefined` when the call is not known. */
export type NameOfCall = (callId: string) => string | undefined;

/**
 * Translates an item of the Responses API into the Agents SDK's own. Keys that the SDK has no field for are kept as
 * its `providerData`, so that nothing is lost on the way back.
 *
 * @param item The item, of unknown shape.
 * @param nameOfCall Names the call that a result belongs to: results carry no name in the Responses API.
 * @returns The protocol item.
 * @throws {ItemTranslationError} When the item is malformed, of a type without a faithful counterpart, or the result
 * of an unknown call.
 */
export function fromResponsesItem(item: unknown, nameOfCall: NameOfCall): AgentInputItem {
  const { type, role } = parseItem(typed, item, "");
  const translated = translate(type ?? (role === undefined ? "" : "message"), item, nameOfCall);
  // Built field by field from parsed values to the shapes of the SDK's protocol.
  return translated as AgentInputItem;
}

function translate(type: string, item: unknown, nameOfCall: NameOfCall): ResponsesItem {
  switch (type) {
    case "message":
      return fromMessage(item);
    case "function_call": {
      const { id, call_id: callId, name, namespace, arguments: args, status, ...rest } = parseItem(
        call,
        item,
        "",
      );
      const providerData = otherEntries(rest, ["type"]);
      return present({ type, id, callId, name, namespace, arguments: args, status, providerData });
    }
    case "function_call_output":
      return fromResult(item, nameOfCall);
    case "reasoning": {
      const { id, summary, content: raw, ...rest } = parseItem(reasoning, item, "");
      return present({
        type,
        id,
        content: summary.map((part, index) => ({
          type: "input_text",
          ...fromReasoningPart(part, `summary[${index}]`),
        })),
        // The SDK sends the raw text from there, and rawContent not at all.
        providerData: otherEntries(present({ ...rest, content: raw }), ["type"]),
      });
    }
    case "compaction": {
      const { id, encrypted_content: encrypted, ...rest } = parseItem(compaction, item, "");
      return present({ type, id, encrypted_content: encrypted, providerData: otherEntries(rest, ["type"]) });
    }
    default:
      if (HOSTED_CALL_TYPES.includes(type)) return fromHostedCall(type, item);
      throw unsupported(`an item of type '${type}'`, "type");
  }
}

function fromMessage(item: unknown): ResponsesItem {
  const { id, role, content: parts, status, phase, ...rest } = parseItem(message, item, "");
  const providerData = otherEntries(rest, ["type"]);
  switch (role) {
    case "user":
      return present({
        type: "message",
        id,
        role,
        content: typeof parts === "string"
          ? parts
          : parts.map((part, index) => fromInputPart(part, `content[${index}]`)),
        providerData,
      });
    case "assistant": {
      const content = typeof parts === "string" ? [{ type: "output_text", text: parts }] : parts;
      return present({
        type: "message",
        id,
        role,
        status: status ?? "completed",
        content: content.map((part, index) => fromOutputPart(part, `content[${index}]`)),
        phase,
        providerData,
      });
    }
    case "system":
      if (typeof parts === "string") {
        return present({ type: "message", id, role, content: parts, providerData });
      }
      return verbatim(item);
    case "developer":
      return verbatim(item);
  }
}

/** The SDK has no developer messages and no system messages of several parts: it passes unknown items on as they are. */
function verbatim(item: unknown): ResponsesItem {
  const { id, ...rest } = parseItem(typed, item, "");
  return present({ type: "unknown", id, providerData: { type: "message", ...rest } });
}

function fromResult(item: unknown, nameOfCall: NameOfCall): ResponsesItem {
  const { id, call_id: callId, output, status, ...rest } = parseItem(result, item, "");
  const name = nameOfCall(callId);
  if (name === undefined) throw unsupported(`the result of the unknown call '${callId}'`, "call_id");
  return present({
    type: "function_call_result",
    id,
    callId,
    name,
    status: status ?? "completed",
    output: typeof output === "string"
      ? { type: "text", text: output }
      : output.map((part, index) => fromInputPart(part, `output[${index}]`)),
    providerData: otherEntries(present(rest), ["type"]),
  });
}

function fromHostedCall(type: string, item: unknown): ResponsesItem {
  const { id, status, ...rest } = parseItem(hosted, item, "");
  const output = rest["result"] ?? rest["output"];
  return present({
    type: "hosted_tool_call",
    id,
    name: type,
    status,
    output: typeof output === "string" ? output : undefined,
    providerData: { ...present(rest), type, ...(id ? { id } : {}) },
  });
}
