import type { run } from "@openai/agents";

/** Any agent: the constraint under which the Agents SDK itself runs one. */
export type AnyAgent = Parameters<typeof run>[0];
