import { getDefaultModel, type Model, type ModelResponse } from "@openai/agents";

/** What one model was used for. The counts are of tokens, but for `requests`. */
export interface ModelUsage {
  /** See {@linkcode usageName}. */
  model: string;
  requests: number;
  inputTokens: number;
  cachedInputTokens: number;
  outputTokens: number;
  reasoningTokens: number;
  totalTokens: number;
}

/**
 * The name under which a model's use is counted, and its price is set: the one that the agent has for it, with its
 * prefix (`gpt-4.1`, `ollama/gpt-oss:20b`). It is known before the first run, and tells providers apart; what a
 * provider calls the model in its answers (`gpt-4.1-2025-04-14`) changes without notice. A model that is given as
 * an object goes by its class.
 *
 * @param model What the agent has; an empty text is the SDK's default model.
 */
export function usageName(model: string | Model | undefined): string {
  if (typeof model === "object") return model.constructor.name;
  return model || getDefaultModel();
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
