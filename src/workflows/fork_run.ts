import { z } from "zod";
import { assertOptions } from "../core/assert_options.ts";
import type { Queryable } from "../database/database.ts";
import { RunConflictError } from "../durable/errors.ts";
import { dispatchDatabase } from "./_database.ts";
import { checkedWorkflowId } from "./_dispatch.ts";
import { checkRunId, readRun, type RunInfo, runNotFound } from "./runs.ts";

/** Which run to repeat, and from where on. */
export interface ForkRunOptions {
  /** The run that is repeated. It is not touched. */
  runId: string;
  /**
   * The first turn that is done again, from 1: a turn is a model call and what comes of it. What was recorded of
   * the turns before is taken over and not executed. @default {1}
   */
  fromTurn?: number | undefined;
  /** Names the new run, and makes forking idempotent. Default: a random one. */
  workflowId?: string | undefined;
}

/**
 * Runs an agent again from a given turn of an earlier run, as a new run in the same queue: with the same input, and
 * the code and models of today. The new run belongs to the same session, if any, and adds to it when it ends.
 *
 * Turns are counted across pauses; what was decided in the pauses before the turn is taken over, too. So is, after the
 * last turn, that nobody knows what became of a call. Works from any process, without the agent's code and without DBOS.
 *
 * @param options The run and the turn.
 * @returns The new run, which a worker executes.
 * @throws {RunNotFoundError} When there is no such run.
 * @throws {RangeError} When the run has not come to this turn.
 * @throws {RunConflictError} When another run has the id of the new one.
 */
export async function forkRun(options: ForkRunOptions): Promise<RunInfo> {
  assertOptions("fork a run", options);
  const { runId, fromTurn = 1, workflowId } = options;
  checkRunId(runId);
  const newRunId = checkedWorkflowId(workflowId);
  const database = await dispatchDatabase();
  await database.transaction(async (transaction) => {
    const { segment, position } = await placeOfTurn(transaction, runId, fromTurn);
    if (!(await copyRun(transaction, runId, newRunId))) return await assertFork(transaction, runId, newRunId);
    await transaction.query(COPY_JOURNAL, [runId, newRunId, segment, position]);
    await transaction.query(COPY_DECISIONS, [runId, newRunId, segment]);
    await transaction.query("select timestep.enqueue_run($1, $1)", [newRunId]);
  });
  return await readRun(database, newRunId);
}

/** A place in a run: a segment, and the position before which everything of it is taken over; null: all of it. */
interface Place {
  segment: number;
  position: number | null;
}

const turnSchema = z.object({
  segment: z.number().int(),
  turns: z.array(z.object({ segment: z.number().int(), position: z.number().int() })),
});

async function placeOfTurn(transaction: Queryable, runId: string, fromTurn: number): Promise<Place> {
  const [row] = await transaction.query(
    `select r.segment, coalesce((
       select json_agg(json_build_object('segment', j.segment, 'position', j.position) order by j.position)
       from timestep.journal j
       where j.run_id = r.run_id and j.kind = 'model' and j.status = 'completed'
         and j.key ~ '^model:[0-9]+\\.[0-9]+$'
     ), '[]') as turns
     from timestep.runs r where r.run_id = $1 and r.workflow_id is not null`,
    [runId],
  );
  if (!row) throw runNotFound(runId);
  const { segment, turns } = turnSchema.parse(row);
  if (!Number.isInteger(fromTurn) || fromTurn < 1 || fromTurn > turns.length + 1) {
    throw new RangeError(
      `Cannot fork run "${runId}" from turn ${fromTurn}: it has ${turns.length} turns that can be taken over, ` +
        `so that fromTurn is an integer from 1 to ${turns.length + 1}.`,
    );
  }
  return turns[fromTurn - 1] ?? { segment, position: null };
}

/** @returns Whether the new run was not there before. */
async function copyRun(transaction: Queryable, runId: string, newRunId: string): Promise<boolean> {
  const created = await transaction.query(COPY_RUN, [runId, newRunId]);
  return created.length > 0;
}

async function assertFork(transaction: Queryable, runId: string, newRunId: string): Promise<void> {
  const [row] = await transaction.query("select forked_from from timestep.runs where run_id = $1", [
    newRunId,
  ]);
  if (row?.["forked_from"] === runId) return;
  throw new RunConflictError(
    `Cannot fork run "${runId}": there is a run "${newRunId}" that is not a fork of it. Use another workflowId.`,
  );
}

/** Not epoch 0: whoever claims a run at its very beginning does not look for what is recorded. */
const COPY_RUN = `
insert into timestep.runs (
  run_id, agent_name, agent_fingerprint, session_id, owner_id, status, epoch, language, input, options, dispatch,
  forked_from
)
select $2, agent_name, agent_fingerprint, session_id, owner_id, 'queued', 1, language, input, options,
  (dispatch::jsonb - 'deduplicationId')::json, run_id
from timestep.runs where run_id = $1
on conflict (run_id) do nothing
returning run_id`;

/** With all of it goes what was under way when the run stopped: nobody knows whether it took effect. */
const COPY_JOURNAL = `
insert into timestep.journal (
  run_id, key, position, segment, epoch, attempt, kind, status, name, fingerprint, output, context_patch, recorded_at
)
select $2, key, position, segment, 1, attempt, kind, status, name, fingerprint, output, context_patch, recorded_at
from timestep.journal
where run_id = $1 and (status <> 'started' or $4::bigint is null)
  and (segment < $3::int or (segment = $3 and ($4::bigint is null or position < $4)))`;

/** The new run comes to the same pauses, by what is recorded, and goes on by the same decisions. */
const COPY_DECISIONS = `
insert into timestep.interruptions (
  run_id, interruption_id, segment, kind, agent_name, tool_name, call_id, arguments, status, always, message,
  created_at, decided_at, decided_by
)
select $2, interruption_id, segment, kind, agent_name, tool_name, call_id, arguments, status, always, message,
  created_at, decided_at, decided_by
from timestep.interruptions where run_id = $1 and segment < $3::int and status <> 'pending'`;
