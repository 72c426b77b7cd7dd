import { type Settlement, settleToolCall as settle } from "../durable/settle_tool_call.ts";
import { workflowDatabase } from "./_database.ts";
import { checkRunId } from "./runs.ts";

/** Which call to settle; how is a {@linkcode Settlement}. */
export interface SettledToolCall {
  /** The run. */
  runId: string;
  /** The call, as `unknownToolCalls` of the run's result names it. */
  stepKey: string;
}

/**
 * Settles a tool call of which nobody knew whether it took effect: the run's status is `unknown_outcome`. With
 * `output` the call counts as made; with `runAgain` it is made again, with the same idempotency key. When all are
 * settled the run goes on in whatever worker is free. Works without the agent's code and without DBOS.
 *
 * @param call The call, and what a person found out about it.
 * @returns Whether the run goes on.
 * @throws {ToolCallNotSettledError} When the run does not wait for this.
 */
export async function settleToolCall(
  { runId, stepKey, ...settlement }: SettledToolCall & Settlement,
): Promise<boolean> {
  checkRunId(runId);
  const database = await workflowDatabase();
  return await database.transaction(async (transaction) => {
    const goesOn = await settle(transaction, runId, stepKey, settlement);
    if (goesOn) await transaction.query("select timestep.requeue_run($1)", [runId]);
    return goesOn;
  });
}
