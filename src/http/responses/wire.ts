// deno-lint-ignore-file camelcase -- the names of OpenAI's API

/** What the agent's own tools are labelled with on the wire: the `server_label` of calls and approval requests. */
export const SERVER_LABEL = "timestep";

/** An item of a response or conversation, as OpenAI writes it. */
export interface WireItem {
  id: string;
  type: string;
  [field: string]: unknown;
}

/** Tokens used, as OpenAI writes it. */
export interface WireUsage {
  input_tokens: number;
  input_tokens_details: { cached_tokens: number; cache_write_tokens: number };
  output_tokens: number;
  output_tokens_details: { reasoning_tokens: number };
  total_tokens: number;
}

/** How far a response is. */
export type WireStatus = "queued" | "in_progress" | "completed" | "failed" | "incomplete" | "cancelled";

/** A response, as OpenAI writes it. `output_text` is an addition for clients without a library. */
export interface WireResponse {
  id: string;
  object: "response";
  created_at: number;
  completed_at: number | null;
  status: WireStatus;
  background: boolean;
  model: string;
  output: WireItem[];
  output_text: string;
  error: { code: string; message: string } | null;
  incomplete_details: { reason: string } | null;
  previous_response_id: string | null;
  conversation: { id: string } | null;
  metadata: Record<string, string>;
  usage: WireUsage | null;
  /** The tools that the caller makes the calls of. */
  tools: WireTool[];
  instructions: null;
  frequency_penalty: number;
  max_output_tokens: null;
  max_tool_calls: null;
  parallel_tool_calls: boolean;
  presence_penalty: number;
  prompt_cache_key: null;
  reasoning: { effort: null; summary: null };
  safety_identifier: null;
  service_tier: "default";
  store: boolean;
  temperature: number;
  text: { format: { type: "text" } };
  tool_choice: "auto";
  top_logprobs: number;
  top_p: number;
  truncation: "disabled";
}

/** A function that the caller offers, as OpenAI writes it. */
export interface WireTool {
  type: "function";
  name: string;
  description: string;
  parameters: Record<string, unknown>;
  strict: boolean;
}

/** An event of a response's stream, as OpenAI writes it. */
export interface WireEvent {
  type: string;
  sequence_number: number;
  [field: string]: unknown;
}

/** A part of a message. */
export function textPart(text: string, annotations: readonly unknown[] = []) {
  return { type: "output_text", text, annotations, logprobs: [] };
}

/** The text of all messages in an output. */
export function outputText(output: readonly WireItem[]): string {
  return output.filter(({ type, status }) => type === "message" && status !== "incomplete")
    .flatMap(({ content }) => Array.isArray(content) ? content : [])
    .map((part) => part.type === "output_text" ? String(part.text) : "")
    .join("");
}
