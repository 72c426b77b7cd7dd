import { workflowDatabase } from "./_database.ts";
import { checkRunId, readRun, type RunInfo } from "./runs.ts";

/**
 * Cancels a run for good, whether it waits or is under way, in whatever process: nothing of it is recorded from
 * now on, and the process that executes it aborts the model call in flight within about a second. A run that has
 * ended stays as it is. Works without the agent's code and without DBOS.
 *
 * @param runId The run.
 * @returns The run, cancelled or as it had ended.
 * @throws {RunNotFoundError} When there is no such run.
 */
export async function cancelRun(runId: string): Promise<RunInfo> {
  checkRunId(runId);
  const database = await workflowDatabase();
  await database.query("select timestep.cancel_run($1)", [runId]);
  return await readRun(database, runId);
}
