import type { ModelRequest, ModelResponse } from "@openai/agents";

/**
 * The functions that an answer calls although the request did not offer them: models invent some. On replay, what was
 * not invented then and is not offered now tells that a tool or a handoff is gone.
 */
export function functionsNotOffered(
  { tools, handoffs }: ModelRequest,
  output: ModelResponse["output"],
): string[] {
  const isOffered = (called: string) =>
    tools.some(({ name }) => name === called) || handoffs.some(({ toolName }) => toolName === called);
  return output.flatMap((item) => item.type === "function_call" && !isOffered(item.name) ? [item.name] : []);
}
