import { assertOptions } from "../core/assert_options.ts";
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
 * @throws {TypeError} When it is not said which call, or what became of it.
 */
export async function settleToolCall(call: SettledToolCall & Settlement): Promise<boolean> {
  assertOptions("settle a tool call", call);
  const { runId, stepKey, ...settlement } = call;
  checkRunId(runId);
  if (typeof stepKey !== "string" || stepKey.includes("\0") || !stepKey.isWellFormed()) {
    throw new TypeError(
      `Cannot settle a tool call of run "${runId}": stepKey is ${
        JSON.stringify(stepKey)
      }, but has to be one of the keys in unknownToolCalls of the run's result.`,
    );
  }
  checkSettlement(runId, stepKey, settlement);
  const database = await workflowDatabase();
  return await database.transaction(async (transaction) => {
    const goesOn = await settle(transaction, runId, stepKey, settlement);
    if (goesOn) await transaction.query("select timestep.requeue_run($1)", [runId]);
    return goesOn;
  });
}

/** What callers without types leave out, or mean otherwise, would be a call made again, or never. */
function checkSettlement(runId: string, stepKey: string, settlement: Partial<Record<string, unknown>>): void {
  const { output, runAgain } = settlement;
  if ((output !== undefined) === (runAgain === undefined) && (runAgain === undefined || runAgain === true)) {
    return;
  }
  throw new TypeError(
    `Cannot settle call "${stepKey}" of run "${runId}": output is ${
      output === undefined ? "not given" : "given"
    } and runAgain is ${String(runAgain)}. Pass output if it took effect, else runAgain: true.`,
  );
}
