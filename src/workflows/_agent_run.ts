import type { Database } from "../database/database.ts";
import {
  AgentNotRegisteredError,
  ExecutionStoppedError,
  ModelRateLimitedError,
  OwnershipLostError,
} from "../durable/errors.ts";
import { executeRun } from "../durable/execute_run.ts";
import type { Configuration } from "./configure_dbos.ts";
import { DIRECT_QUEUE, type Dispatch, parseDispatch } from "./_dispatch.ts";
import { startDeadline } from "./_deadline.ts";
import { letGo, type NotBefore, putBack } from "./_executor_sql.ts";
import { warn } from "./_logger.ts";
import { openConversation } from "./_session.ts";
import { sleep } from "./_sleep.ts";

/** Where a workflow is executed. */
export interface AgentRunContext {
  readonly database: Database;
  readonly executorId: string;
  readonly configuration: Configuration;
}

/** What the body of a workflow says to DBOS: small, as everything else is in our own tables. */
export type AgentRunReport = { status: string };

/** An error that nobody expected puts the run back for a while, twice as long each time. */
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 300_000;

/** The execution was stopped and its workflow let go of. */
export const STOPPED: AgentRunReport = { status: "stopped" };

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
): Promise<AgentRunReport> {
  try {
    const found = await readRun(context.database, run);
    if (!found) return { status: "superseded" };
    return await execute(context, run, found, signal);
  } catch (error) {
    if (signal.aborted) return await stop(context, run.workflowId);
    const delayMs = retryDelayMs(run.workflowId);
    warn(`Cannot execute run "${run.runId}" now, it is tried again in ${delayMs / 1000} s: ${error}`);
    return await insist(
      signal,
      context,
      run.workflowId,
      { status: "retried" },
      () => putBack(context.database, { ...run, executorId: context.executorId }, { delayMs }),
    );
  }
}

interface FoundRun {
  agentName: string;
  sessionId: string | undefined;
  dispatch: Dispatch;
}

async function execute(
  context: AgentRunContext,
  run: { runId: string; segment: number; workflowId: string },
  { agentName, sessionId, dispatch }: FoundRun,
  signal: AbortSignal,
): Promise<AgentRunReport> {
  const { database, executorId, configuration } = context;
  const back = (status: string, notBefore: NotBefore, pause?: { queueName: string }) =>
    insist(
      signal,
      context,
      run.workflowId,
      { status },
      () => putBack(database, { ...run, executorId }, notBefore, pause),
    );
  const deadline = await startDeadline(database, run.runId, dispatch.timeoutSeconds);
  try {
    const outcome = await executeRun({
      database,
      runId: run.runId,
      segment: run.segment,
      executorId,
      signal: deadline ? AbortSignal.any([signal, deadline.signal]) : signal,
      ...(configuration.modelProvider ? { modelProvider: configuration.modelProvider } : {}),
      ...(dispatch.sessionKind === "openai_conversations" && sessionId !== undefined
        ? { session: openConversation(sessionId) }
        : {}),
    });
    return { status: outcome.status };
  } catch (error) {
    if (error instanceof OwnershipLostError) return { status: "superseded" };
    if (error instanceof ExecutionStoppedError) {
      return signal.aborted ? await stop(context, run.workflowId) : { status: "superseded" };
    }
    if (error instanceof ModelRateLimitedError) {
      const pause = dispatch.queueName === DIRECT_QUEUE ? undefined : { queueName: dispatch.queueName };
      return await back("rate_limited", { delayMs: error.retryAfterMs }, pause);
    }
    if (error instanceof AgentNotRegisteredError) {
      if (!agentsMissed.has(agentName)) {
        agentsMissed.add(agentName);
        warn(
          `Runs of agent "${agentName}" wait: no process that knows it is there. Call registerAgent() with it.`,
        );
      }
      return await back("agent_not_registered", "agent_known");
    }
    throw error;
  } finally {
    deadline?.clear();
  }
}

/** The run, if this workflow is the one that counts; a workflow that was replaced has nothing to do. */
async function readRun(
  database: Database,
  { runId, segment, workflowId }: { runId: string; segment: number; workflowId: string },
): Promise<FoundRun | undefined> {
  const [row] = await database.query(
    `select agent_name, session_id, dispatch from timestep.runs
     where run_id = $1 and segment = $2 and workflow_id = $3 and status in ('queued', 'running')`,
    [runId, segment, workflowId],
  );
  return row && {
    agentName: String(row["agent_name"]),
    sessionId: row["session_id"] === null ? undefined : String(row["session_id"]),
    dispatch: parseDispatch(row["dispatch"]),
  };
}

/** This process lets go of the workflow, for others to take over. */
async function stop(context: AgentRunContext, workflowId: string): Promise<AgentRunReport> {
  // Should this fail, the executor's silence says the same a little later.
  await letGo(context.database, workflowId, context.executorId).catch(() => {});
  return STOPPED;
}

/** Does what has to be done until the database lets it, as nobody else can tell what this process knows. */
async function insist(
  signal: AbortSignal,
  context: AgentRunContext,
  workflowId: string,
  report: AgentRunReport,
  action: () => Promise<void>,
): Promise<AgentRunReport> {
  for (let delayMs = FIRST_RETRY_MS;; delayMs = Math.min(2 * delayMs, LAST_RETRY_MS)) {
    try {
      await action();
      return report;
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
