import {
  type AgentInputItem,
  RunContext,
  Runner,
  type RunResult,
  type StreamedRunResult,
} from "@openai/agents";
import { agentChange } from "./agent_change.ts";
import { MultiModelProvider } from "../model/multi_model_provider.ts";
import { consumeResult } from "../run/consume_result.ts";
import type { AnyAgent } from "../agents/any_agent.ts";
import type { ClaimedRun } from "./claim_run.ts";
import {
  ApprovalReusedError,
  ContextNotSerializableError,
  ExecutionStoppedError,
  ModelRateLimitedError,
  OwnershipLostError,
  RunDivergedError,
  ToolsUnavailableError,
  UnsupportedToolError,
} from "./errors.ts";
import type { ExecuteRunOptions } from "./execute_run_options.ts";
import { RunSession } from "./durable_session.ts";
import { finishRun } from "./finish_run.ts";
import { isConnectionError } from "./journal_statement.ts";
import { resumePause } from "./pause_run.ts";
import { readOutcome } from "./read_outcome.ts";
import { retryAfterMs, toRunFailure } from "./run_error.ts";
import type { RunOutcome } from "./run_outcome.ts";
import { runInScope, Scope } from "./scope.ts";
import { accelerateSdk } from "./sdk/accelerate.ts";
import { instrumentSdk } from "./sdk/instrument.ts";
import { UnknownOutcome } from "./unknown_outcome.ts";
import { watchOwnership } from "./watch_ownership.ts";

/** What the SDK gives for a durable run. */
export type DurableResult = RunResult<unknown, AnyAgent> | StreamedRunResult<unknown, AnyAgent>;

/** Does what {@linkcode executeRun} does with a run once it has claimed it. */
export async function executeClaimedRun(claim: ClaimedRun, options: ExecuteRunOptions): Promise<RunOutcome> {
  instrumentSdk();
  const { execution } = claim;
  const stop = () => execution.fail(stopped(options));
  options.signal?.addEventListener("abort", stop, { once: true });
  const decelerate = accelerateSdk();
  const unwatch = watchOwnership(execution, options.watchIntervalMs);
  try {
    if (options.signal?.aborted) throw stopped(options);
    return await executeClaimed(claim, options);
  } catch (error) {
    if (error instanceof OwnershipLostError) return await outcomeOfOther(options, error);
    throw error;
  } finally {
    await unwatch();
    decelerate();
    options.signal?.removeEventListener("abort", stop);
    execution.writer.dispose();
  }
}

function stopped({ runId }: ExecuteRunOptions): ExecutionStoppedError {
  return new ExecutionStoppedError(
    `Stopped executing run "${runId}", as asked. It goes on when it is executed again.`,
  );
}

/** What became of a run that is not, or no longer, this process's: it may have been cancelled, or be with another. */
export async function outcomeOfOther(
  options: ExecuteRunOptions,
  lost?: OwnershipLostError,
): Promise<RunOutcome> {
  const { database, runId, segment } = options;
  const outcome = await readOutcome(database, runId);
  if (outcome) return outcome;
  throw lost ??
    new OwnershipLostError(`Cannot execute segment ${segment} of run "${runId}": it is in another one.`);
}

async function executeClaimed(claim: ClaimedRun, options: ExecuteRunOptions): Promise<RunOutcome> {
  const { execution } = claim;
  const scope = new Scope(execution, `${execution.owner.segment}.`);
  scope.callersAgent = claim.agent.name;
  try {
    const result = await runInScope(scope, () => runAgentLoop(claim, options));
    if (execution.failure) throw execution.failure.error;
    return await finishRun(claim, { type: "result", result });
  } catch (thrown) {
    // The SDK wraps what its callbacks throw; what stopped the execution is known better here.
    const error = execution.failure ? execution.failure.error : thrown;
    return await finishFailed(claim, error);
  }
}

async function runAgentLoop(
  { agent, input, options, sessionId, sessionIsEmpty, execution }: ClaimedRun,
  { modelProvider = new MultiModelProvider(), session: givenSession }: ExecuteRunOptions,
): Promise<DurableResult> {
  const runner = new Runner({ modelProvider });
  const { database, owner } = execution;
  const session = givenSession ??
    (sessionId === null ? undefined : new RunSession({ sessionId, database, isEmpty: sessionIsEmpty }));
  // A state brings its context and its limits along.
  const isFirst = owner.segment === 0;
  const runOptions = {
    ...(isFirst ? { context: new RunContext<unknown>(options.context) } : {}),
    signal: execution.signal,
    ...(session ? { session } : {}),
    ...(isFirst && options.maxTurns !== undefined ? { maxTurns: options.maxTurns } : {}),
  };
  // The input is as createRun() recorded it.
  const start = isFirst ? input as string | AgentInputItem[] : await resumePause(execution, agent);
  return options.stream
    ? await consumeResult(await runner.run(agent, start, { ...runOptions, stream: true }))
    : await runner.run(agent, start, runOptions);
}

/** Ends the run with what went wrong in it; throws on what only concerns this execution. */
async function finishFailed(claim: ClaimedRun, error: unknown): Promise<RunOutcome> {
  const { execution } = claim;
  const { runId } = execution.owner;
  if (error instanceof ToolsUnavailableError) {
    await execution.writer.drain();
    throw error;
  }
  if (error instanceof UnknownOutcome) return await finishRun(claim, { type: "unknown" });
  if (execution.failure?.error === error && !isFaultOfRun(error)) throw error;
  // Of reading or adding to the session, or of this very end: the run is not at fault, and goes on when it can.
  if (isConnectionError(error)) throw error;
  const wait = retryAfterMs(error, Date.now());
  if (wait !== undefined) {
    await execution.writer.drain();
    throw new ModelRateLimitedError(runId, wait, { cause: error });
  }
  const failure = toRunFailure(error);
  if (error instanceof RunDivergedError) {
    const change = await agentChange(execution.database, claim.agent, claim.agentFingerprint);
    if (change) {
      failure.error.message += ` The agent's code was changed since the run began, first at ${change}.`;
    }
  }
  return await finishRun(claim, { type: "failure", failure });
}

/** Whether what stopped the execution would stop it again: the run's own code is at fault. */
function isFaultOfRun(error: unknown): boolean {
  return error instanceof RunDivergedError || error instanceof ContextNotSerializableError ||
    error instanceof UnsupportedToolError || error instanceof ApprovalReusedError;
}
