import type { Database } from "../database/database.ts";
import {
  AgentNotRegisteredError,
  ExecutionStoppedError,
  ModelRateLimitedError,
  OwnershipLostError,
  RunNotFoundError,
} from "../durable/errors.ts";
import { type ClaimedRun, claimRun } from "../durable/claim_run.ts";
import { executeClaimedRun } from "../durable/execute_claimed_run.ts";
import type { RunOutcome } from "../durable/run_outcome.ts";
import type { Configuration } from "./configure_dbos.ts";
import { DIRECT_QUEUE, parseDispatch } from "./_dispatch.ts";
import { startDeadline } from "./_deadline.ts";
import { exceedsLimits, hasPartition, letGo, type NotBefore, putBack } from "./_executor_sql.ts";
import { warn } from "./_logger.ts";
import { openConversation } from "./_session.ts";
import { sleep } from "../durable/sleep.ts";

/** Where a workflow is executed. */
export interface AgentRunContext {
  readonly database: Database;
  readonly executorId: string;
  readonly configuration: Configuration;
}

/** What the body of a workflow says to DBOS: small, as everything else is in our own tables. */
export interface AgentRunReport {
  status: string;
}

/** What came of an execution. */
export interface AgentRunEnd {
  report: AgentRunReport;
  /** Of the run, if it was this execution that has ended the part. */
  outcome?: RunOutcome;
}

/** Puts the run back, and tells what the execution reports then. */
type PutBack = (status: string, notBefore: NotBefore, pause?: { queueName: string }) => Promise<AgentRunEnd>;

/** An error that nobody expected puts the run back for a while, twice as long each time. */
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 300_000;

/** The execution was stopped and its workflow let go of. */
export const STOPPED: AgentRunEnd = { report: { status: "stopped" } };

/** Another workflow is the run's by now, or the run has ended or is gone: there is nothing to do. */
const SUPERSEDED: AgentRunEnd = { report: { status: "superseded" } };

const agentsMissed = new Set<string>();

/**
 * Executes one part of a run in the workflow that dispatches it. Never rejects: what happened is in the database.
 *
 * @param signal Stops the execution; the run is let go of then, for others to take over.
 */
export async function agentRun(
  context: AgentRunContext,
  run: { runId: string; segment: number; workflowId: string },
  signal: AbortSignal,
): Promise<AgentRunEnd> {
  const back: PutBack = (status, notBefore, pause) =>
    insist(
      signal,
      context,
      run.workflowId,
      { report: { status } },
      () => putBack(context.database, { ...run, executorId: context.executorId }, notBefore, pause),
    );
  try {
    const claim = await claimRun({ ...context, ...run }, run.workflowId);
    return claim ? await execute(context, run, claim, signal, back) : SUPERSEDED;
  } catch (error) {
    if (error instanceof RunNotFoundError || error instanceof OwnershipLostError) return SUPERSEDED;
    if (signal.aborted) return await stop(context, run.workflowId);
    if (error instanceof AgentNotRegisteredError) {
      sayOnce(error);
      return await back("agent_not_registered", "agent_known");
    }
    const delayMs = retryDelayMs(run.workflowId);
    warn(`Cannot execute run "${run.runId}" now, it is tried again in ${delayMs / 1000} s: ${error}`);
    // Later ones of its partition, such as those of its session, must not go before it: it waits in its place.
    if (!(await hasPartition(context.database, run.workflowId).catch(() => false))) {
      return await back("retried", { delayMs });
    }
    await sleep(delayMs, signal);
    return signal.aborted ? await stop(context, run.workflowId) : await back("retried", { delayMs: 0 });
  }
}

function sayOnce({ agentName }: AgentNotRegisteredError): void {
  if (agentsMissed.has(agentName)) return;
  agentsMissed.add(agentName);
  warn(`Runs of agent "${agentName}" wait: no process that knows it is there. Call registerAgent() with it.`);
}

async function execute(
  { database, executorId, configuration }: AgentRunContext,
  { runId, segment, workflowId }: { runId: string; segment: number; workflowId: string },
  claim: ClaimedRun,
  signal: AbortSignal,
  back: PutBack,
): Promise<AgentRunEnd> {
  const dispatch = parseDispatch(claim.dispatch);
  if (dispatch.queueName !== DIRECT_QUEUE && await exceedsLimits(database, workflowId)) {
    claim.execution.writer.dispose();
    return await back("one_too_many", { delayMs: 0 });
  }
  const deadline = await startDeadline(database, runId, dispatch.timeoutSeconds);
  try {
    const outcome = await executeClaimedRun(claim, {
      database,
      runId,
      segment,
      executorId,
      signal: deadline ? AbortSignal.any([signal, deadline.signal]) : signal,
      ...(configuration.modelProvider ? { modelProvider: configuration.modelProvider } : {}),
      ...(dispatch.sessionKind === "openai_conversations" && claim.sessionId !== null
        ? { session: openConversation(claim.sessionId) }
        : {}),
    });
    return { report: { status: outcome.status }, outcome };
  } catch (error) {
    // It is not the process that is stopped, but the run.
    if (error instanceof ExecutionStoppedError && !signal.aborted) return SUPERSEDED;
    if (!(error instanceof ModelRateLimitedError)) throw error;
    const pause = dispatch.queueName === DIRECT_QUEUE ? undefined : { queueName: dispatch.queueName };
    return await back("rate_limited", { delayMs: error.retryAfterMs }, pause);
  } finally {
    deadline?.clear();
  }
}

/** This process lets go of the workflow, for others to take over. */
async function stop(context: AgentRunContext, workflowId: string): Promise<AgentRunEnd> {
  // Should this fail, the executor's silence says the same a little later.
  await letGo(context.database, workflowId, context.executorId).catch(() => {});
  return STOPPED;
}

/** Does what has to be done until the database lets it, as nobody else can tell what this process knows. */
async function insist(
  signal: AbortSignal,
  context: AgentRunContext,
  workflowId: string,
  end: AgentRunEnd,
  action: () => Promise<void>,
): Promise<AgentRunEnd> {
  for (let delayMs = FIRST_RETRY_MS;; delayMs = Math.min(2 * delayMs, LAST_RETRY_MS)) {
    try {
      await action();
      return end;
    } catch {
      await sleep(delayMs, signal);
      if (signal.aborted) return await stop(context, workflowId);
    }
  }
}

/** Workflows that replace others are numbered, so the number tells how often it was tried. */
function retryDelayMs(workflowId: string): number {
  const tries = Number(/:t(\d+)$/.exec(workflowId)?.[1] ?? 0);
  return Math.min(FIRST_RETRY_MS * 2 ** tries, LAST_RETRY_MS);
}
