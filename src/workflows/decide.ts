import { z } from "zod";
import { assertOptions } from "../core/assert_options.ts";
import type { JsonValue } from "../core/json_value.ts";
import type { Queryable } from "../database/database.ts";
import { assertStorableName } from "../database/storable_name.ts";
import { encodeValue } from "../durable/recorded_value.ts";
import { workflowDatabase } from "./_database.ts";
import { segmentWorkflowId } from "./_dispatch.ts";
import { DecisionConflictError, InterruptionNotFoundError } from "./errors.ts";
import { checkRunId, runNotFound, type RunStatus, runStatusSchema } from "./runs.ts";

/** What a person decided about one interruption. */
export interface Decision {
  /** The interruption, as `listInterruptions()` or the run's result names it. */
  interruptionId: string;
  /** Whether the tool may be called. */
  approve: boolean;
  /** Whether the same goes for every later call of the tool in this run. @default {false} */
  always?: boolean | undefined;
  /** What the model is told instead of the tool's output; for rejections. Default: the SDK's own words. */
  message?: string | undefined;
  /** What the call has given, where whoever decides has made it: it is recorded as its result, and not made again. */
  output?: JsonValue | undefined;
}

/** Decisions about a run. */
export interface DecideOptions {
  /** The run. */
  runId: string;
  /** One or several; the run goes on when nothing is pending any more. */
  decisions: readonly Decision[];
  /** Who decided, for the record. */
  decidedBy?: string | undefined;
}

/** What became of the run with the decisions. */
export interface DecideResult {
  /** The run. */
  runId: string;
  /** `interrupted` while something is pending; `queued` when the run goes on; later, what it is doing. */
  status: RunStatus;
  /** How many interruptions still wait for a decision. */
  pending: number;
}

/**
 * Decides what a paused run waits for. When nothing is pending any more the run goes on, in whatever worker is
 * free: in one transaction with the decision, so that one approval is one execution.
 *
 * Works from any process, without the agent's code and without DBOS. A decision is written once: the same again
 * changes nothing, another one is an error, and of several people at once one wins.
 *
 * @param options The run and the decisions; all of them are recorded, or none.
 * @throws {RunNotFoundError} When there is no such run.
 * @throws {InterruptionNotFoundError} When the run never had such an interruption.
 * @throws {DecisionConflictError} When it was decided otherwise, or the run was ended or taken over meanwhile.
 * @throws {TypeError} When a decision says what none can say.
 */
export async function decide(options: DecideOptions): Promise<DecideResult> {
  assertOptions("decide", options);
  const database = await workflowDatabase();
  return await database.transaction((transaction) => decideWithin(transaction, options));
}

/** Does what {@linkcode decide} does, as part of a transaction. */
export async function decideWithin(
  transaction: Queryable,
  { runId, decisions, decidedBy }: DecideOptions,
): Promise<DecideResult> {
  checkRunId(runId);
  checkDecisions(runId, decisions);
  if (decidedBy !== undefined) assertStorableName("decidedBy", decidedBy);
  // Whoever else decides about this run waits here.
  const [row] = await transaction.query(
    "select status, segment, workflow_id from timestep.runs where run_id = $1 for update",
    [runId],
  );
  if (!row) throw runNotFound(runId);
  const run = runSchema.parse(row);
  const recorded = await recordedInterruptions(transaction, runId);
  const fresh = decisions.filter((decision) => isNew(runId, decision, recorded.get(decision.interruptionId)));
  if (fresh.length > 0) await assertOpen(transaction, runId, run);
  for (const decision of fresh) await record(transaction, runId, decision, decidedBy);
  const decided = new Set(fresh.map(({ interruptionId }) => interruptionId));
  const pending =
    [...recorded.values()].filter((known) =>
      known.segment === run.segment && known.status === "pending" && !decided.has(known.interruptionId)
    ).length;
  if (fresh.length === 0 || pending > 0) {
    return { runId, status: run.status, pending };
  }
  await goOn(transaction, runId, run.segment + 1);
  return { runId, status: "queued", pending: 0 };
}

const runSchema = z.object({
  status: runStatusSchema,
  segment: z.number().int(),
  workflow_id: z.string().nullable(),
});

const recordedSchema = z.object({
  interruptionId: z.string(),
  segment: z.number().int(),
  status: z.enum(["pending", "approved", "rejected"]),
  always: z.boolean(),
  message: z.string().nullable(),
  output: z.string().nullable(),
});

type RecordedInterruption = z.infer<typeof recordedSchema>;

async function recordedInterruptions(
  transaction: Queryable,
  runId: string,
): Promise<Map<string, RecordedInterruption>> {
  const rows = await transaction.query(
    `select i.interruption_id as "interruptionId", i.segment, i.status, i.always, i.message, j.output::text as output
     from timestep.interruptions i
     left join timestep.journal j on j.run_id = i.run_id and j.key = ${GIVEN_KEY}
     where i.run_id = $1`,
    [runId],
  );
  return new Map(rows.map((row) => {
    const recorded = recordedSchema.parse(row);
    return [recorded.interruptionId, recorded];
  }));
}

/** @returns Whether the decision has to be recorded; not when the same was. */
function isNew(runId: string, decision: Decision, known: RecordedInterruption | undefined): boolean {
  const { interruptionId, approve, always = false, message = null, output } = decision;
  if (!known) {
    throw new InterruptionNotFoundError(
      `Cannot decide about "${interruptionId}" of run "${runId}": the run has no such interruption. ` +
        "listInterruptions() tells what it waits for.",
    );
  }
  if (known.status === "pending") return true;
  const same = (known.status === "approved") === approve && known.always === always &&
    known.message === message && (output === undefined || known.output === encodeValue(output));
  if (same) return false;
  throw new DecisionConflictError(
    `Cannot decide about "${interruptionId}" of run "${runId}": it was ${known.status} before${
      output === undefined ? "" : ", perhaps with another result"
    }, and a decision is final.`,
  );
}

/** @throws {DecisionConflictError} When the run does not wait for decisions, or not for these. */
async function assertOpen(
  transaction: Queryable,
  runId: string,
  { status, workflow_id: workflowId }: z.infer<typeof runSchema>,
): Promise<void> {
  if (status !== "interrupted") {
    throw new DecisionConflictError(
      `Cannot decide about run "${runId}": it is ${status} and waits for nobody.`,
    );
  }
  if (workflowId === null) {
    throw new DecisionConflictError(
      `Cannot decide about run "${runId}": it was not started by runAgentWorkflow() or queueAgentWorkflow(), so ` +
        "that no worker would go on with it. Load it with RunStateStore, approve or reject, and run it.",
    );
  }
  const [claimed] = await transaction.query(
    "select claimed_by from timestep.run_states where run_id = $1 and claimed_by is not null",
    [runId],
  );
  if (claimed) throw beingResumed(runId, claimed["claimed_by"]);
}

function beingResumed(runId: string, by: unknown): DecisionConflictError {
  return new DecisionConflictError(
    `Cannot decide about run "${runId}": ${by} has loaded it with RunStateStore and goes on with it.`,
  );
}

async function record(
  transaction: Queryable,
  runId: string,
  { interruptionId, approve, always = false, message, output }: Decision,
  decidedBy: string | undefined,
): Promise<void> {
  if (output !== undefined) {
    await transaction.query(RECORD_OUTPUT, [runId, interruptionId, encodeValue(output)]);
  }
  await transaction.query(
    `update timestep.interruptions
     set status = $3, always = $4::bool, message = $5, decided_at = now(), decided_by = $6
     where run_id = $1 and interruption_id = $2 and status = 'pending'`,
    [runId, interruptionId, approve ? "approved" : "rejected", always, message ?? null, decidedBy ?? null],
  );
}

/** The step of the call in the segment that goes on from the pause; see `runToolStep()`. */
const GIVEN_KEY = "'tool:' || (i.segment + 1) || '.0:' || i.call_id";

const RECORD_OUTPUT = `
insert into timestep.journal (run_id, key, segment, epoch, attempt, kind, status, name, output)
select i.run_id, ${GIVEN_KEY}, i.segment + 1, r.epoch, 1, 'tool', 'completed', i.tool_name, $3::text::json
from timestep.interruptions i join timestep.runs r on r.run_id = i.run_id
where i.run_id = $1 and i.interruption_id = $2`;

/** The run goes on; nobody who has loaded its state with RunStateStore can do so as well. */
async function goOn(transaction: Queryable, runId: string, segment: number): Promise<void> {
  const states = await transaction.query(
    `update timestep.run_states set claimed_at = coalesce(claimed_at, now()), claimed_by = coalesce(claimed_by, $2)
     where run_id = $1 returning claimed_by`,
    [runId, segmentWorkflowId(runId, segment)],
  );
  const other = states.find((row) => row["claimed_by"] !== segmentWorkflowId(runId, segment));
  if (other) throw beingResumed(runId, other["claimed_by"]);
  await transaction.query(
    `update timestep.runs
     set status = 'queued', segment = $2::int, language = null, deadline_at = null, updated_at = now()
     where run_id = $1`,
    [runId, segment],
  );
  await transaction.query("select timestep.enqueue_run($1, $2)", [runId, segmentWorkflowId(runId, segment)]);
}

function checkDecisions(runId: string, decisions: readonly Decision[]): void {
  // Callers without types come here, too.
  if (!Array.isArray(decisions)) {
    throw new TypeError(
      `Cannot decide about run "${runId}": decisions is ${typeof decisions}, but has to be an array.`,
    );
  }
  for (const [index, decision] of decisions.entries()) {
    if (typeof decision?.interruptionId === "string") continue;
    throw new TypeError(
      `Cannot decide about run "${runId}": decisions[${index}] has no interruptionId. listInterruptions() tells it.`,
    );
  }
  const ids = decisions.map(({ interruptionId }) => interruptionId);
  if (ids.length === 0) {
    throw new TypeError(`Cannot decide about run "${runId}": there is no decision. Pass one.`);
  }
  if (new Set(ids).size < ids.length) {
    throw new TypeError(`Cannot decide about run "${runId}": an interruption is decided twice in one call.`);
  }
  for (const { interruptionId, approve, always, message } of decisions) {
    const about = `Cannot decide about "${interruptionId}" of run "${runId}"`;
    if (typeof approve !== "boolean") {
      throw new TypeError(`${about}: approve is ${JSON.stringify(approve)}, but has to be true or false.`);
    }
    if (always !== undefined && typeof always !== "boolean") {
      throw new TypeError(`${about}: always is ${JSON.stringify(always)}, but has to be true or false.`);
    }
    if (message !== undefined && typeof message !== "string") {
      throw new TypeError(`${about}: its message is ${JSON.stringify(message)}, but has to be a text.`);
    }
    if (message !== undefined && (message.includes("\0") || !message.isWellFormed())) {
      throw new TypeError(`${about}: its message has a NUL or half of a surrogate pair. Leave that out.`);
    }
  }
  const given = decisions.find(({ approve, output }) => !approve && output !== undefined);
  if (given) {
    throw new TypeError(
      `Cannot decide about "${given.interruptionId}" of run "${runId}": an output goes with an approval only.`,
    );
  }
  const told = decisions.find(({ approve, message }) => approve && message !== undefined);
  if (told) {
    throw new TypeError(
      `Cannot decide about "${told.interruptionId}" of run "${runId}": a message goes with a rejection only.`,
    );
  }
}
