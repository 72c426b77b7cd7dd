import { z } from "zod";
import { type CallNames, fromPythonItem, type RawItem } from "./_items.ts";
import { at, type PythonRunItem } from "./_python_state.ts";
import { RESUME_THERE, StateTranslationError } from "./translation_error.ts";

/** A run item as the TypeScript SDK writes it. */
export type RunItem = Record<string, unknown>;

/**
 * Translates what an agent produced.
 *
 * @throws {StateTranslationError} `unsupported_item` for what only one SDK has.
 */
export function fromPythonRunItem(item: PythonRunItem, path: string, names: CallNames): RunItem {
  const agent = { name: agentName(item.agent, at(path, "agent")) };
  const rawItem = () => fromPythonItem(item.raw_item, at(path, "raw_item"), names);
  switch (item.type) {
    case "message_output_item":
    case "reasoning_item":
    case "compaction_item":
    case "handoff_call_item":
      return { type: item.type, rawItem: rawItem(), agent };
    case "tool_call_item":
    case "mcp_list_tools_item":
    case "mcp_approval_request_item":
    case "mcp_approval_response_item":
      return { type: "tool_call_item", rawItem: rawItem(), agent };
    case "tool_call_output_item":
      return {
        type: item.type,
        rawItem: rawItem(),
        agent,
        output: fromPythonOutput(item.output),
        ...(item.custom_data ? { customData: item.custom_data } : {}),
        executionStatus: "executed",
      };
    case "handoff_output_item":
      return {
        type: item.type,
        rawItem: rawItem(),
        sourceAgent: { name: agentName(item.source_agent ?? item.agent, at(path, "source_agent")) },
        targetAgent: { name: agentName(item.target_agent ?? item.agent, at(path, "target_agent")) },
      };
    case "input_item":
      return { type: item.type, rawItem: rawItem(), agent, inputId: item.input_id };
    case "tool_approval_item":
      return fromPythonApproval(item, path, names);
    default:
      throw new StateTranslationError(
        "unsupported_item",
        path,
        `it holds an item of type "${item.type}", which cannot be carried over. ${RESUME_THERE}`,
      );
  }
}

function fromPythonApproval(item: PythonRunItem, path: string, names: CallNames): RunItem {
  const agent = { name: agentName(item.agent, at(path, "agent")) };
  const raw = item.raw_item;
  if (raw["type"] === "mcp_approval_request") {
    const { name, id } = hostedRequest(raw, at(path, "raw_item"));
    return { type: item.type, rawItem: hostedApprovalCall(raw, name, id), agent, toolName: name };
  }
  if (raw["type"] !== "function_call") {
    throw new StateTranslationError(
      "unsupported_call",
      path,
      `it waits for the approval of a "${raw["type"]}", which cannot be carried over. ${RESUME_THERE}`,
    );
  }
  return {
    type: item.type,
    rawItem: fromPythonItem(raw, at(path, "raw_item"), names),
    agent,
    toolName: item.tool_name ?? raw["name"],
    functionToolStateKey: toolKey(raw, item.tool_lookup_key, path),
  };
}

/** What the TypeScript SDK makes of a hosted server's question: a call of its tool that has not run yet. */
export function hostedApprovalCall(raw: RawItem, name: string, id: string): Record<string, unknown> {
  return { type: "hosted_tool_call", name, id, status: "in_progress", providerData: raw };
}

const request = z.looseObject({
  id: z.string(),
  name: z.string(),
  server_label: z.string(),
  arguments: z.unknown(),
});

/** Reads a hosted server's question whether its tool may run. */
export function hostedRequest(raw: RawItem, path: string): z.output<typeof request> {
  const parsed = request.safeParse(raw);
  if (parsed.success) return parsed.data;
  throw new StateTranslationError(
    "malformed_state",
    path,
    `a request for approval has no id, name or server_label. ${RESUME_THERE}`,
  );
}

/**
 * The key of the function that a call means, as the TypeScript SDK writes it: `["bare","get_weather"]`.
 *
 * @throws {StateTranslationError} `unsupported_call` for tools that are only looked up when they are needed.
 */
export function toolKey(raw: RawItem, key: PythonRunItem["tool_lookup_key"], path: string): string {
  const namespace = key ? key.namespace : raw["namespace"];
  const kind = key?.kind ?? (namespace ? "namespaced" : "bare");
  const name = key?.name ?? raw["name"];
  if (kind === "bare") return JSON.stringify([kind, name]);
  if (kind === "namespaced" && namespace) return JSON.stringify([kind, namespace, name]);
  throw new StateTranslationError(
    "unsupported_call",
    path,
    `a tool of the kind "${kind}" cannot be carried over. ${RESUME_THERE}`,
  );
}

/**
 * The name in a reference to an agent.
 *
 * @throws {StateTranslationError} `duplicate_agent` when the name alone does not say which one is meant.
 */
export function agentName(reference: PythonRunItem["agent"], path: string): string {
  if (reference.identity === undefined || reference.identity === null) return reference.name;
  throw new StateTranslationError(
    "duplicate_agent",
    path,
    `several agents are called "${reference.name}", and the languages number them differently. Give each its own name.`,
  );
}

const structuredPart = z.looseObject({
  type: z.enum(["text", "image", "file"]),
  image_url: z.string().nullish(),
  file_id: z.string().nullish(),
  file_data: z.string().nullish(),
  file_url: z.string().nullish(),
  filename: z.string().nullish(),
  detail: z.string().nullish(),
  text: z.string().nullish(),
});

/** A tool's own output: parts of a structured one have other fields in each SDK. */
function fromPythonOutput(output: unknown): unknown {
  if (Array.isArray(output)) return output.map(fromPythonOutput);
  const parsed = structuredPart.safeParse(output);
  if (!parsed.success) return output;
  const { type, text, detail, filename, image_url: image, file_id: id, file_data: data, file_url: url } =
    parsed.data;
  switch (type) {
    case "text":
      return { type, text };
    case "image":
      return { type, image: image ? { url: image } : { id }, ...(detail ? { detail } : {}) };
    case "file":
      return {
        type,
        file: data ?? (url ? { url } : { id }),
        ...(filename ? { filename } : {}),
      };
  }
}
