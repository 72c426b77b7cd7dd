import type { Database } from "../database/database.ts";
import { applicationVersion } from "./_dispatch.ts";

/** Who takes runs over, and which ones. */
export interface TakeOver {
  readonly executorId: string;
  /** By this it knows what it has taken. */
  readonly ownerToken: string;
  readonly applicationName: string;
  /** The agents that it knows. */
  readonly agentNames: readonly string[];
  /** After so long a silence an executor counts as dead. */
  readonly executorTimeoutMs: number;
}

/** How many runs of dead processes one process takes over in one beat: the others want some, too. */
const TAKE_OVER_AT_ONCE = 10;

/** Says that the executor is alive. */
export async function beat(database: Database, executorId: string): Promise<void> {
  await database.query(
    `insert into timestep.executors (executor_id) values ($1)
     on conflict (executor_id) do update set last_seen_at = now()`,
    [executorId],
  );
}

/** Says that the executor is gone: what it had under way is anybody's at once. */
export async function signOff(database: Database, executorId: string): Promise<void> {
  await database.query("delete from timestep.executors where executor_id = $1", [executorId]);
}

/**
 * Says that all other executors are gone. PGlite is open in one process only, so whoever else is on record there
 * has died.
 */
export async function signOffOthers(database: Database, executorId: string): Promise<void> {
  await database.query("delete from timestep.executors where executor_id <> $1", [executorId]);
}

/** Takes over runs that nobody alive executes, if this process knows their agents. */
export async function takeOver(
  database: Database,
  { executorId, ownerToken, applicationName, agentNames, executorTimeoutMs }: TakeOver,
): Promise<string[]> {
  const rows = await database.query(
    `select timestep.take_over($1, $2, $3, $4, $5, make_interval(secs => $6), ${TAKE_OVER_AT_ONCE}) as workflow_id`,
    [
      executorId,
      ownerToken,
      applicationName,
      applicationVersion(applicationName),
      agentNames,
      executorTimeoutMs / 1000,
    ],
  );
  return rows.map((row) => String(row["workflow_id"]));
}

/** Mends what crashes left behind. */
export async function sweep(database: Database, executorTimeoutMs: number): Promise<void> {
  // Before DBOS is launched anywhere there is nothing to mend, and the function says so.
  await database.query("select timestep.sweep(make_interval(secs => $1))", [executorTimeoutMs / 1000]);
}

/** Makes the runs of schedules that are due, whosever agents they are: each tick once, however many processes do this. */
export async function fireSchedules(database: Database): Promise<void> {
  await database.query("select timestep.fire_schedules()");
}

/**
 * Whether more is under way than a workflow's queue, or its partition, may have. DBOS counts what is under way and takes
 * the first that waits: two processes that do so at once, while a run comes to the front, each take one. Whoever sees
 * both, which at least the later of the two does, has to step back.
 */
export async function exceedsLimits(database: Database, workflowId: string): Promise<boolean> {
  const [row] = await database.query(
    `select count(*) > q.concurrency
       or count(*) filter (where p.queue_partition_key = s.queue_partition_key) > q.partition_concurrency as exceeded
     from dbos.workflow_status s
     join dbos.queues q on q.name = s.queue_name
     join dbos.workflow_status p on p.queue_name = s.queue_name and p.status = 'PENDING'
     where s.workflow_uuid = $1 and coalesce(q.concurrency, q.partition_concurrency) is not null
     group by q.concurrency, q.partition_concurrency`,
    [workflowId],
  );
  return row?.["exceeded"] === true;
}

/** Whether a workflow is in a partition of its queue. */
export async function hasPartition(database: Database, workflowId: string): Promise<boolean> {
  const [row] = await database.query(
    "select queue_partition_key is not null as found from dbos.workflow_status where workflow_uuid = $1",
    [workflowId],
  );
  return row?.["found"] === true;
}

/** Lets go of a workflow that this executor has claimed: anybody may take it over at once. */
export async function letGo(database: Database, workflowId: string, executorId: string): Promise<void> {
  await database.query(
    `update dbos.workflow_status
     set executor_id = '', owner_xid = null, recovery_attempts = greatest(recovery_attempts - 1, 0)
     where workflow_uuid = $1 and executor_id = $2 and status = 'PENDING'`,
    [workflowId, executorId],
  );
}

/** When a run that is put back may start again. */
export type NotBefore = { delayMs: number } | "agent_known";

/**
 * Puts a run back into its queue, if the workflow is still this executor's.
 *
 * @param pause Whether nothing else of its queue starts before either.
 */
export async function putBack(
  database: Database,
  { runId, workflowId, executorId }: { runId: string; workflowId: string; executorId: string },
  notBefore: NotBefore,
  pause?: { queueName: string },
): Promise<void> {
  await database.transaction(async (transaction) => {
    const [mine] = await transaction.query(
      `select from dbos.workflow_status
       where workflow_uuid = $1 and executor_id = $2 and status = 'PENDING' for update`,
      [workflowId, executorId],
    );
    if (!mine) return;
    if (notBefore === "agent_known") {
      await transaction.query(
        "select timestep.requeue_run($1, to_timestamp(timestep.until_agent_known() / 1000))",
        [runId],
      );
      return;
    }
    const seconds = notBefore.delayMs / 1000;
    if (pause) {
      await transaction.query("select timestep.pause_queue($1, now() + make_interval(secs => $2))", [
        pause.queueName,
        seconds,
      ]);
    }
    await transaction.query("select timestep.requeue_run($1, now() + make_interval(secs => $2))", [
      runId,
      seconds,
    ]);
  });
}
