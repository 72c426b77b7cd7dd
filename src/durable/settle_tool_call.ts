import type { Queryable } from "../database/database.ts";
import { ToolCallNotSettledError } from "./errors.ts";
import type { JsonValue } from "../core/json_value.ts";
import { encodeValue } from "./recorded_value.ts";

/** What a person found out about a tool call that was cut off. */
export type Settlement =
  /** It took effect, and this is what it gave. */
  | { output: JsonValue }
  /** It took no effect, or may take it again: it is made again, with the same idempotency key. */
  | { runAgain: true };

/**
 * Settles a tool call of a run whose status is `unknown_outcome`. When the last one is settled the run is queued.
 *
 * @param queryable A transaction; it should also dispatch the run, if it is queued.
 * @param runId The run.
 * @param stepKey The call: see `RunOutcome.unknownToolCalls`.
 * @param settlement What a person found out.
 * @returns Whether the run can go on.
 * @throws {ToolCallNotSettledError} When the run does not wait for this.
 */
export async function settleToolCall(
  queryable: Queryable,
  runId: string,
  stepKey: string,
  settlement: Settlement,
): Promise<boolean> {
  const [run] = await queryable.query(
    "select status from timestep.runs where run_id = $1 for no key update",
    [runId],
  );
  if (run?.status !== "unknown_outcome") {
    throw new ToolCallNotSettledError(
      `Cannot settle call "${stepKey}" of run "${runId}": ` +
        (run ? `the run is ${run.status} and does not wait for it.` : "there is no run of this id."),
    );
  }
  const settled = "runAgain" in settlement
    ? await queryable.query(
      "delete from timestep.journal where run_id = $1 and key = $2 and status = 'started' returning key",
      [runId, stepKey],
    )
    : await queryable.query(
      `update timestep.journal set status = 'completed', output = $3::text::json, recorded_at = now()
       where run_id = $1 and key = $2 and status = 'started' returning key`,
      [runId, stepKey, encodeValue(settlement.output)],
    );
  if (settled.length === 0) {
    throw new ToolCallNotSettledError(
      `Cannot settle call "${stepKey}" of run "${runId}": no call of this key is open. It may be settled already.`,
    );
  }
  const queued = await queryable.query(
    `update timestep.runs set status = 'queued', updated_at = now()
     where run_id = $1 and not exists (
       select from timestep.journal where run_id = $1 and status = 'started'
     ) returning run_id`,
    [runId],
  );
  return queued.length > 0;
}
