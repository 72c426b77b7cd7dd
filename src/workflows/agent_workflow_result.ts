import type { RunState } from "../core/package_types.ts";
import type { Database } from "../database/database.ts";
import type { RunOutcome } from "../durable/run_outcome.ts";
import type { AnyAgent } from "../run/types.ts";
import { originOf } from "../state/claims.ts";
import { RunStateConflictError, RunStateNotFoundError } from "../state/errors.ts";
import { RunStateStore } from "../state/run_state_store.ts";
import { readRun } from "./runs.ts";
import { waitForRun } from "./_wait_for_run.ts";

/** What became of a durable run. */
export interface AgentWorkflowResult<TAgent extends AnyAgent = AnyAgent> extends RunOutcome {
  /**
   * The state of a run that is `interrupted`, as `RunStateStore` loads it: to look at, or to go on with by
   * `runAgent()` in this process instead of `decide()`. Whichever comes first counts.
   */
  state?: RunState<unknown, TAgent>;
}

/** Waits until a run has ended or is paused, and tells what became of it. */
export async function loadResult<TAgent extends AnyAgent>(
  database: Database,
  runId: string,
  agent: TAgent,
): Promise<AgentWorkflowResult<TAgent>> {
  const outcome = await waitForRun(database, runId);
  if (outcome.status !== "interrupted") return outcome;
  const state = await loadState(database, runId, agent);
  return state ? { ...outcome, state } : outcome;
}

/** The state of the run; nothing when it has gone on in the meantime. */
async function loadState<TAgent extends AnyAgent>(
  database: Database,
  runId: string,
  agent: TAgent,
): Promise<RunState<unknown, TAgent> | undefined> {
  const { sessionId } = await readRun(database, runId);
  const store = new RunStateStore({ agent, database, ...(sessionId !== null ? { sessionId } : {}) });
  try {
    const state = await store.load();
    // Its slot is the agent and the session, where a later run may be paused, too.
    return originOf(state)?.run.runId === runId ? state : undefined;
  } catch (error) {
    if (error instanceof RunStateNotFoundError || error instanceof RunStateConflictError) return undefined;
    throw error;
  }
}
