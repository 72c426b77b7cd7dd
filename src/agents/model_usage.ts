import type { ModelResponse } from "@openai/agents";

/** What one model was used for. The counts are of tokens, but for `requests`. */
export interface ModelUsage {
  model: string;
  requests: number;
  inputTokens: number;
  cachedInputTokens: number;
  outputTokens: number;
  reasoningTokens: number;
  totalTokens: number;
}

/** A model that was not used. */
export function noUsage(model: string): ModelUsage {
  return {
    model,
    requests: 0,
    inputTokens: 0,
    cachedInputTokens: 0,
    outputTokens: 0,
    reasoningTokens: 0,
    totalTokens: 0,
  };
}

/** Adds what the SDK has counted to `total`; takes it off again with `sign` -1. */
export function countUsage(total: ModelUsage, usage: ModelResponse["usage"], sign: 1 | -1 = 1): void {
  total.requests += sign * usage.requests;
  total.inputTokens += sign * usage.inputTokens;
  total.outputTokens += sign * usage.outputTokens;
  total.totalTokens += sign * usage.totalTokens;
  total.cachedInputTokens += sign * sumOf(usage.inputTokensDetails, "cached_tokens");
  total.reasoningTokens += sign * sumOf(usage.outputTokensDetails, "reasoning_tokens");
}

function sumOf(details: Record<string, number>[], name: string): number {
  return details.reduce((total, entry) => total + (entry[name] ?? 0), 0);
}
