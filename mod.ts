/**
 * Durable OpenAI Agents on Postgres alone: run an agent, pause it for an approval, save it, and resume it in
 * another process, today or next week.
 *
 * @example
 * ```ts no-eval
 * import { Agent } from "@openai/agents";
 * import { runAgent, RunStateStore } from "@timestep-ai/timestep";
 *
 * const agent = new Agent({ name: "Assistant", model: "gpt-4.1" });
 * const result = await runAgent(agent, "What's 2+2?");
 * console.log(result.finalOutput);
 * if (result.interruptions.length > 0) await new RunStateStore({ agent }).save(result.state);
 * ```
 *
 * @module
 */

export { TimestepError } from "./src/core/errors.ts";
export type { JsonValue } from "./src/core/json_value.ts";
export type { RunInterruption } from "./src/core/run_interruption.ts";

export type { Database, Parameter, Queryable, Row, Transaction } from "./src/database/database.ts";
export { DatabaseError, StatementError } from "./src/database/database_error.ts";
export type { DatabaseErrorCode } from "./src/database/database_error.ts";
export type { DatabaseReferenceOptions } from "./src/database/database_reference.ts";
export { migrate } from "./src/database/migrate.ts";
export { openDatabase } from "./src/database/open_database.ts";
export type { OpenDatabaseOptions } from "./src/database/open_database.ts";
export { purge } from "./src/database/purge.ts";
export type { PurgeOptions, PurgeResult } from "./src/database/purge.ts";

export { MultiModelProvider, UnknownModelPrefixError } from "./src/model/multi_model_provider.ts";
export type { MultiModelProviderOptions } from "./src/model/multi_model_provider.ts";
export { MultiModelProviderMap } from "./src/model/multi_model_provider_map.ts";
export { MissingApiKeyError, OllamaModelProvider } from "./src/model/ollama_model_provider.ts";
export type { OllamaModelProviderOptions } from "./src/model/ollama_model_provider.ts";

export type { CallerTool } from "./src/durable/caller_tool.ts";
export { createRun } from "./src/durable/create_run.ts";
export type { NewRun } from "./src/durable/create_run.ts";
export {
  AgentNameConflictError,
  AgentNotRegisteredError,
  ApprovalReusedError,
  ContextNotSerializableError,
  ExecutionStoppedError,
  ModelRateLimitedError,
  OwnershipLostError,
  PauseNotResumableError,
  RunConflictError,
  RunDivergedError,
  RunNotFoundError,
  ToolCallNotSettledError,
  ToolsUnavailableError,
  UnsupportedToolError,
} from "./src/durable/errors.ts";
export { executeRun } from "./src/durable/execute_run.ts";
export type { ExecuteRunOptions } from "./src/durable/execute_run_options.ts";
export type { ReadRunEventsOptions } from "./src/durable/read_run_events.ts";
export { registerAgent } from "./src/durable/registry.ts";
export type { RunEvent, RunEventBase } from "./src/durable/run_event.ts";
export type {
  RunError,
  RunOutcome,
  RunOutcomeStatus,
  RunUsage,
  UnknownToolCall,
} from "./src/durable/run_outcome.ts";
export type { Settlement } from "./src/durable/settle_tool_call.ts";
export { atMostOnce, toolCall, transactional } from "./src/durable/tool_call.ts";
export type { ToolCall } from "./src/durable/tool_call.ts";

export { consumeResult } from "./src/run/consume_result.ts";
export { defaultResultProcessor } from "./src/run/default_result_processor.ts";
export { runAgent } from "./src/run/run_agent.ts";
export type {
  AnyAgent,
  AnyRunResult,
  ResultProcessor,
  RunAgentInput,
  RunAgentResult,
} from "./src/run/types.ts";

export { DatabaseSession } from "./src/session/database_session.ts";
export type { DatabaseSessionOptions } from "./src/session/database_session.ts";
export { SessionHistoryError } from "./src/session/session_history_error.ts";

export {
  RunStateConflictError,
  RunStateGraphError,
  RunStateMalformedError,
  RunStateNotFoundError,
} from "./src/state/errors.ts";
export { RunStateStore } from "./src/state/run_state_store.ts";
export type { LoadOptions, RunStateStoreOptions } from "./src/state/run_state_store.ts";
export type { TranslationLoss } from "./src/state/python/losses.ts";
export { StateTranslationError } from "./src/state/python/translation_error.ts";
export type { TranslationCode } from "./src/state/python/translation_error.ts";

export { webSearch } from "./src/tool/web_search.ts";

export type { AgentWorkflowHandle } from "./src/workflows/agent_workflow_handle.ts";
export type { AgentWorkflowOptions } from "./src/workflows/agent_workflow_options.ts";
export type { AgentWorkflowResult } from "./src/workflows/agent_workflow_result.ts";
export { cancelRun } from "./src/workflows/cancel_run.ts";
export { configureDBOS } from "./src/workflows/configure_dbos.ts";
export type { ConfigureDBOSOptions } from "./src/workflows/configure_dbos.ts";
export { createScheduledAgentWorkflow } from "./src/workflows/create_scheduled_agent_workflow.ts";
export type { CreateScheduledAgentWorkflowOptions } from "./src/workflows/create_scheduled_agent_workflow.ts";
export { decide } from "./src/workflows/decide.ts";
export type { DecideOptions, DecideResult, Decision } from "./src/workflows/decide.ts";
export {
  DBOSConfiguredLateError,
  DecisionConflictError,
  InterruptionNotFoundError,
  QueueNotFoundError,
  ScheduleNotFoundError,
  SessionNotDurableError,
} from "./src/workflows/errors.ts";
export { forkRun } from "./src/workflows/fork_run.ts";
export type { ForkRunOptions } from "./src/workflows/fork_run.ts";
export { ensureDBOSLaunched, handOver, shutdownDBOS } from "./src/workflows/launch_dbos.ts";
export type { HandOverOptions } from "./src/workflows/launch_dbos.ts";
export { listInterruptions } from "./src/workflows/list_interruptions.ts";
export type { Interruption, ListInterruptionsOptions } from "./src/workflows/list_interruptions.ts";
export { queueAgentWorkflow } from "./src/workflows/queue_agent_workflow.ts";
export type { QueueAgentWorkflowOptions } from "./src/workflows/queue_agent_workflow.ts";
export type { QueueLimits, QueueRateLimit } from "./src/workflows/queue_limits.ts";
export { registerAgentQueue } from "./src/workflows/register_agent_queue.ts";
export type { RegisterAgentQueueOptions } from "./src/workflows/register_agent_queue.ts";
export { runAgentWorkflow } from "./src/workflows/run_agent_workflow.ts";
export { readRunEvents } from "./src/workflows/run_events.ts";
export { getRun, listRuns } from "./src/workflows/runs.ts";
export type { ListRunsOptions, RunInfo, RunStatus } from "./src/workflows/runs.ts";
export {
  listScheduledAgentWorkflows,
  pauseScheduledAgentWorkflow,
  removeScheduledAgentWorkflow,
  resumeScheduledAgentWorkflow,
} from "./src/workflows/schedules.ts";
export type { MissedTicks, ScheduleInfo } from "./src/workflows/schedules.ts";
export { settleToolCall } from "./src/workflows/settle_tool_call.ts";
export type { SettledToolCall } from "./src/workflows/settle_tool_call.ts";

export { createAgentsClient } from "./src/http/client/create_agents_client.ts";
export { follow } from "./src/http/client/follow.ts";
export type { FollowEvent, FollowOptions } from "./src/http/client/follow.ts";
export type { LazyAgent } from "./src/http/agent_catalog.ts";
export { ApiError } from "./src/http/api_error.ts";
export type { ApiErrorOptions } from "./src/http/api_error.ts";
export { authenticator } from "./src/http/authenticate.ts";
export type { Authenticate, AuthenticatorOptions } from "./src/http/authenticate.ts";
export { proofsFromEnvironment } from "./src/http/authentication_options.ts";
export type { EnvironmentProofs } from "./src/http/authentication_options.ts";
export { DEFAULT_LIMITS } from "./src/http/limits.ts";
export type { Limits } from "./src/http/limits.ts";
export type { MaxTurns } from "./src/http/max_turns.ts";
export type { JwtOptions } from "./src/http/_verify_jwt.ts";
export type {
  ApiKeyPrincipal,
  CronPrincipal,
  Principal,
  ServicePrincipal,
  UserPrincipal,
} from "./src/http/principal.ts";
export { serveAgents } from "./src/http/serve_agents.ts";
export type { ServeAgentsOptions } from "./src/http/serve_agents.ts";
export { serveWorker } from "./src/http/serve_worker.ts";
export type { ServeWorkerOptions } from "./src/http/serve_worker.ts";
