/**
 * @ignore Types of other packages that the public ones mention. From here because `deno doc --lint` takes the types
 * of npm packages for undocumented ones of this module, unless their way into it has this tag.
 */
export type {
  AgentInputItem,
  FunctionTool,
  Model,
  ModelProvider,
  OpenAIClient,
  run,
  RunResult,
  RunState,
  Session,
  SessionHistoryRewriteArgs,
  SessionHistoryRewriteAwareSession,
  SessionHistoryTransactionArgs,
  SessionHistoryTransactionAwareSession,
  StreamedRunResult,
  ToolInputParameters,
} from "@openai/agents";
export type { JSONWebKeySet } from "jose";
export type { ClientOptions, OpenAI } from "openai";
