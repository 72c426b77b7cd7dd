// deno-lint-ignore-file camelcase -- the names of OpenAI's API
import type { SegmentEnd } from "./segment_end.ts";
import type { ResponseRecord } from "./response_record.ts";
import { outputText, type WireResponse, type WireUsage } from "./wire.ts";

/** Tokens used in a segment, by the agents that were called as tools too. */
export interface UsageSum {
  inputTokens: number;
  cachedTokens: number;
  outputTokens: number;
  reasoningTokens: number;
  totalTokens: number;
}

/** No tokens. */
export const UNUSED: UsageSum = {
  inputTokens: 0,
  cachedTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  totalTokens: 0,
};

/** The tokens of both. */
export function addUsage(sum: UsageSum, used: UsageSum): UsageSum {
  return {
    inputTokens: sum.inputTokens + used.inputTokens,
    cachedTokens: sum.cachedTokens + used.cachedTokens,
    outputTokens: sum.outputTokens + used.outputTokens,
    reasoningTokens: sum.reasoningTokens + used.reasoningTokens,
    totalTokens: sum.totalTokens + used.totalTokens,
  };
}

/** What clients expect to be there, and what is the agent's own business: OpenAI's defaults, whatever the agent has. */
const UNTOLD = {
  instructions: null,
  frequency_penalty: 0,
  max_output_tokens: null,
  max_tool_calls: null,
  parallel_tool_calls: true,
  presence_penalty: 0,
  prompt_cache_key: null,
  reasoning: { effort: null, summary: null },
  safety_identifier: null,
  service_tier: "default",
  store: true,
  temperature: 1,
  text: { format: { type: "text" } },
  tool_choice: "auto",
  top_logprobs: 0,
  top_p: 1,
  truncation: "disabled",
} as const;

/** The response before anything has happened. An agent owns its settings: what the caller sent of them is not used. */
export function begunResponse(record: ResponseRecord): WireResponse {
  return {
    id: record.responseId,
    object: "response",
    created_at: seconds(record.createdAt),
    completed_at: null,
    status: "queued",
    background: record.background,
    model: record.agentName,
    output: [],
    output_text: "",
    error: null,
    incomplete_details: null,
    previous_response_id: record.previousResponseId,
    conversation: record.conversationId === null ? null : { id: record.conversationId },
    metadata: record.metadata,
    usage: null,
    tools: record.callerTools.map((tool) => ({ type: "function", ...tool })),
    ...UNTOLD,
  };
}

/** The response with the tokens that it took. */
export function withUsage(response: WireResponse, sum: UsageSum): WireResponse {
  const usage: WireUsage = {
    input_tokens: sum.inputTokens,
    input_tokens_details: { cached_tokens: sum.cachedTokens, cache_write_tokens: 0 },
    output_tokens: sum.outputTokens,
    output_tokens_details: { reasoning_tokens: sum.reasoningTokens },
    total_tokens: sum.totalTokens,
  };
  return { ...response, output_text: outputText(response.output), usage };
}

/**
 * The response after its end. A run that waits for approvals is a response that is completed: it asks for them. One
 * that waits for a person to settle a tool call is incomplete until then: nothing comes of waiting for it. One that has
 * asked its model as often as it may is incomplete for good.
 */
export function finished(response: WireResponse, end: SegmentEnd): WireResponse {
  const completed_at = end.endedAt === null ? null : seconds(end.endedAt);
  switch (end.status) {
    case "completed":
    case "interrupted":
      return { ...response, status: "completed", completed_at };
    case "cancelled":
      return { ...response, status: "cancelled", completed_at };
    case "unknown_outcome": {
      const incomplete_details = { reason: "unknown_outcome" };
      return { ...response, status: "incomplete", incomplete_details, error: errorOf(end) };
    }
    case "blocked":
    case "failed":
      if (end.error?.code === "max_turns_exceeded") {
        return {
          ...response,
          status: "incomplete",
          completed_at,
          incomplete_details: { reason: "max_turns" },
        };
      }
      return { ...response, status: "failed", completed_at, error: errorOf(end) };
  }
}

function errorOf({ status, error }: SegmentEnd) {
  const message = error ? `${error.name}: ${error.message}` : "The run failed.";
  // OpenAI's clients know only OpenAI's own codes.
  return { code: status === "blocked" ? "invalid_prompt" : "server_error", message };
}

function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}
