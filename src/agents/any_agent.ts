import type { run } from "../core/package_types.ts";

/** Any agent: the constraint under which the Agents SDK itself runs one. */
export type AnyAgent = Parameters<typeof run>[0];

/** Any function tool, of any context and result. */
export type AnyFunctionTool = Extract<AnyAgent["tools"][number], { type: "function" }>;

/** Any output guardrail, of any output. */
export type AnyOutputGuardrail = AnyAgent["outputGuardrails"][number];
