// deno-lint-ignore-file camelcase -- the wire has its own names
/** A run with its pauses, told without naming a language: what the vectors in this directory are made of. */

/** An item as the Responses API has it on the wire: the one form that both languages send. */
export type WireItem = Record<string, unknown>;

/** A function tool that answers with a fixed output. */
export interface ScenarioTool {
  name: string;
  parameters: Record<string, unknown>;
  /** Whether its calls must be approved. */
  needsApproval?: boolean;
  /** A text, or a structured output in each SDK's own form. */
  output: string | { typescript: unknown; python: unknown };
  /** Run this agent as the tool instead. */
  agent?: string;
  /** Sides on which a guardrail lets everything pass. */
  guardrails?: ("input" | "output")[];
}

export interface ScenarioAgent {
  name: string;
  instructions: string;
  tools?: string[];
  handoffs?: { agent: string; toolName: string }[];
  /** Sides on which a guardrail lets everything pass. */
  guardrails?: ("input" | "output")[];
  /** Labels of hosted MCP servers whose calls must be approved. */
  mcpServers?: string[];
}

export interface Decision {
  decision: "approve" | "reject";
  always?: boolean;
  message?: string;
}

/** Decisions by call id (for hosted MCP: by the id of the request). */
export type Decisions = Record<string, Decision>;

export interface Scenario {
  name: string;
  /** The first is where the run starts. */
  agents: ScenarioAgent[];
  tools: ScenarioTool[];
  /** A text, items that both SDKs take, or items in each SDK's own form. */
  input: string | WireItem[] | { typescript: unknown[]; python: unknown[] };
  /** The only language whose SDK can run it. */
  only?: "typescript" | "python";
  /** It is recorded with the older SDKs, too. */
  older?: true;
  /** Texts of the user that the session holds before the run; absent: no session. */
  session?: string[];
  conversationId?: string;
  previousResponseId?: string;
  maxTurns?: number | null;
  context?: Record<string, unknown>;
  /** What the model answers, call by call, from the run's beginning to its end. */
  script: WireItem[][];
  /** At the first pause: added as input for the next model call, before it is saved. */
  pendingInput?: string;
  pauses: { before?: Decisions; after?: Decisions }[];
}

/** What was sent to the model in one call. */
export interface Request {
  input: WireItem[];
  previousResponseId?: string;
  conversation?: string;
}

/** What can be seen of a run from outside: equal in both languages, crossed or not. */
export interface Trail {
  requests: Request[];
  /** Tool calls executed: name and arguments, in order. */
  executed: [string, unknown][];
}

export interface Usage {
  requests: number;
  inputTokens: number;
  cachedInputTokens: number;
  outputTokens: number;
  reasoningTokens: number;
  totalTokens: number;
}

/** A pause as it was saved. */
export interface Pause {
  /** What the SDK wrote. */
  state: Record<string, unknown>;
  guardrailsSettled: boolean;
  /** What the session held, in the SDK's own form. */
  session?: unknown[];
  pending: string[];
  modelCalls: number;
  toolCalls: number;
}

/** A scenario as one language's SDK ran it, from its beginning to its end without crossing. */
export interface Vector {
  scenario: Scenario;
  language: "typescript" | "python";
  sdk: { name: string; version: string };
  pauses: Pause[];
  trail: Trail;
  finalOutput: unknown;
  usage: Usage;
  /** What the session held in the end, in the SDK's own form. */
  session?: unknown[];
}

/** Each model call costs this much, so that sums tell how often one was counted. */
export const RESPONSE_USAGE = {
  input_tokens: 100,
  input_tokens_details: { cached_tokens: 10, cache_write_tokens: 0 },
  output_tokens: 20,
  output_tokens_details: { reasoning_tokens: 5 },
  total_tokens: 120,
};
