import { assertOptions } from "../core/assert_options.ts";
import type { Database, Queryable } from "../database/database.ts";
import { sqlStateOf } from "./_sql_state.ts";
import { assertStorableName } from "../database/storable_name.ts";
import type { AnyAgent } from "../run/types.ts";
import { dispatchDatabase } from "./_database.ts";
import { checkedWorkflowId, DEFAULT_QUEUE, type Dispatch, PARTITIONED_QUEUE } from "./_dispatch.ts";
import { isPartitioned, queueNames } from "./_queues.ts";
import { type PreparedRun, prepareRun, startRun } from "./_start_run.ts";
import type { AgentWorkflowOptions } from "./agent_workflow_options.ts";
import { AgentWorkflowHandle } from "./agent_workflow_handle.ts";
import { useConfiguration } from "./configure_dbos.ts";
import { QueueNotFoundError } from "./errors.ts";
import { launchedEngine } from "./launch_dbos.ts";

/** A run, and how it waits for its turn. */
export interface QueueAgentWorkflowOptions extends AgentWorkflowOptions {
  /**
   * A queue of `registerAgentQueue()`. Default: `agents`, which starts at most 50 runs in any 60 seconds; with a
   * partition key `agents_by_partition`, which starts as many beside them, one run at a time for each key.
   */
  queueName?: string | undefined;
  /** Lower numbers start sooner; among equals, first come, first served. An integer from 0. @default {0} */
  priority?: number | undefined;
  /**
   * While a run with this id is waiting or under way in the queue, the same id gives that run instead of a second
   * one.
   */
  deduplicationId?: string | undefined;
  /**
   * In a partitioned queue: what runs share a partition by, such as a session or a tenant. They start in order, but
   * while one waits for a worker that knows its agent, later ones go first. Default: the id of the
   * run's session.
   */
  partitionKey?: string | undefined;
  /** How long the run waits before it is in the queue, in seconds. @default {0} */
  delaySeconds?: number | undefined;
}

/**
 * Puts a durable run into a queue. It is recorded when this resolves, and is executed by whichever worker is free;
 * also by this process, unless `configureDBOS({ execute: false })` says not to.
 *
 * @param options What to run, and how it waits.
 * @returns A handle to the run.
 * @throws {QueueNotFoundError} When there is no such queue.
 * @throws {TypeError} When a key can't be stored, or does not go with the queue.
 * @throws {RangeError} When a number is out of range.
 * @throws {RunConflictError} When there is a run of this `workflowId` with another agent, input or session.
 * @throws {SessionNotDurableError} When another process could not open the session.
 */
export async function queueAgentWorkflow<TAgent extends AnyAgent>(
  options: QueueAgentWorkflowOptions & { agent: TAgent },
): Promise<AgentWorkflowHandle<TAgent>> {
  assertOptions("start a run", options);
  const runId = checkedWorkflowId(options.workflowId);
  checkOptions(options);
  const prepared = await prepareRun(options);
  const database = await dispatchDatabase();
  const dispatch = await queueDispatch(database, options, prepared);
  // Before the run is recorded: what is wrong with this process should be known by then.
  await launchedEngine();
  const queuedId = await enqueue(database, runId, prepared, dispatch, options.delaySeconds);
  return new AgentWorkflowHandle(queuedId, options.agent);
}

/** @returns The run's id; another run's that holds the deduplication id. */
async function enqueue(
  database: Database,
  runId: string,
  prepared: PreparedRun,
  dispatch: Dispatch,
  delaySeconds: number | undefined,
): Promise<string> {
  const { deduplicationId } = dispatch;
  for (;;) {
    try {
      await startRun(database, runId, prepared, dispatch, { delaySeconds });
      return runId;
    } catch (error) {
      if (deduplicationId === undefined || sqlStateOf(error) !== UNIQUE_VIOLATION) throw error;
      const [row] = await database.query("select timestep.deduplication_holder($1, $2) as holder", [
        dispatch.queueName,
        deduplicationId,
      ]);
      // Without a holder it has ended in the meantime.
      if (row?.["holder"]) return String(row["holder"]);
    }
  }
}

const UNIQUE_VIOLATION = "23505";

async function queueDispatch(
  queryable: Queryable,
  options: QueueAgentWorkflowOptions,
  { run }: PreparedRun,
): Promise<Dispatch> {
  const { priority, deduplicationId } = options;
  const queueName = options.queueName ??
    (options.partitionKey === undefined ? DEFAULT_QUEUE : PARTITIONED_QUEUE);
  const applicationName = useConfiguration().name;
  const partitioned = await isPartitioned(queryable, queueName, applicationName);
  if (partitioned === undefined) {
    throw new QueueNotFoundError(
      `Cannot queue a run: there is no queue "${queueName}". Register it with registerAgentQueue(); there are ` +
        `${(await queueNames(queryable, applicationName)).join(", ")}.`,
    );
  }
  if (!partitioned && options.partitionKey !== undefined) {
    throw new TypeError(
      `Cannot queue a run with a partition key: queue "${queueName}" is not partitioned. Register it with ` +
        "partitionConcurrency.",
    );
  }
  const partitionKey = partitioned ? options.partitionKey ?? run.sessionId : undefined;
  if (partitioned && partitionKey === undefined) {
    throw new TypeError(
      `Cannot queue a run: queue "${queueName}" is partitioned, and the run has neither a partition key nor a ` +
        "session. Pass partitionKey.",
    );
  }
  return {
    applicationName,
    queueName,
    ...(priority !== undefined ? { priority } : {}),
    ...(deduplicationId !== undefined ? { deduplicationId } : {}),
    ...(partitionKey !== undefined ? { partitionKey } : {}),
  };
}

/** 100 years, in seconds. */
const MAX_DELAY_SECONDS = 3_155_760_000;

function checkOptions(options: QueueAgentWorkflowOptions): void {
  const { priority, delaySeconds, deduplicationId, partitionKey, queueName } = options;
  if (queueName !== undefined) assertStorableName("queueName", queueName);
  if (deduplicationId !== undefined) assertStorableName("deduplicationId", deduplicationId);
  if (partitionKey !== undefined) assertStorableName("partitionKey", partitionKey);
  if (priority !== undefined && !(Number.isInteger(priority) && priority >= 0 && priority < 2 ** 31)) {
    throw new RangeError(
      `Cannot queue a run: priority is ${priority}, but has to be an integer from 0 to 2^31 - 1.`,
    );
  }
  if (
    delaySeconds !== undefined &&
    !(typeof delaySeconds === "number" && delaySeconds >= 0 && delaySeconds <= MAX_DELAY_SECONDS)
  ) {
    throw new RangeError(
      `Cannot queue a run: delaySeconds is ${delaySeconds}, but has to be from 0 to ${MAX_DELAY_SECONDS}.`,
    );
  }
}
