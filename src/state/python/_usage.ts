import type { PythonUsage } from "./_python_state.ts";

type Details = Record<string, number | null | undefined>;
type Tokens = Omit<PythonUsage, "requests" | "request_usage_entries">;

/** What tokens were used, as the TypeScript SDK writes it. */
export function fromPythonUsage(usage: PythonUsage): Record<string, unknown> {
  const entries = usage.request_usage_entries ?? [];
  return {
    requests: usage.requests,
    inputTokens: usage.input_tokens,
    outputTokens: usage.output_tokens,
    totalTokens: usage.total_tokens,
    inputTokensDetails: [usage.input_tokens_details ?? []].flat().map(counts),
    outputTokensDetails: [usage.output_tokens_details ?? []].flat().map(counts),
    ...(entries.length > 0 ? { requestUsageEntries: entries.map(request) } : {}),
  };
}

function request(entry: Tokens): Record<string, unknown> {
  const [input] = [entry.input_tokens_details ?? []].flat();
  const [output] = [entry.output_tokens_details ?? []].flat();
  return {
    inputTokens: entry.input_tokens,
    outputTokens: entry.output_tokens,
    totalTokens: entry.total_tokens,
    ...(input ? { inputTokensDetails: counts(input) } : {}),
    ...(output ? { outputTokensDetails: counts(output) } : {}),
  };
}

/** The TypeScript SDK reads numbers only, where Python writes what it does not know as null. */
function counts(details: Details): Record<string, number> {
  return Object.fromEntries(
    Object.entries(details).filter((entry): entry is [string, number] => typeof entry[1] === "number"),
  );
}
