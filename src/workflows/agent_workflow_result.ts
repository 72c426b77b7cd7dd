import type { Database } from "../database/database.ts";
import type { RunOutcome } from "../durable/run_outcome.ts";
import type { AnyAgent } from "../run/types.ts";
import { waitForRun } from "./_wait_for_run.ts";

/** What became of a durable run. */
export type AgentWorkflowResult = RunOutcome;

/** Waits until a run has ended or is paused. */
export async function loadResult(
  database: Database,
  runId: string,
  _agent: AnyAgent,
): Promise<AgentWorkflowResult> {
  return await waitForRun(database, runId);
}
