import type { Parameter, Queryable } from "../database/database.ts";
import { DEFAULT_QUEUE, DIRECT_QUEUE, PARTITIONED_QUEUE } from "./_dispatch.ts";
import type { QueueLimits, QueueRateLimit } from "./queue_limits.ts";

const DEFAULT_RATE: QueueRateLimit = { limit: 50, periodSeconds: 60 };

/** The queues that are always there. They belong to no application, so that all can use them. */
const BUILT_IN: Readonly<Record<string, QueueLimits>> = {
  [DIRECT_QUEUE]: { pollingIntervalMs: 500 },
  [DEFAULT_QUEUE]: { rateLimit: DEFAULT_RATE, pollingIntervalMs: 500 },
  [PARTITIONED_QUEUE]: { rateLimit: DEFAULT_RATE, partitionConcurrency: 1 },
};

/** Records the built-in queues, unless they are recorded: whoever changed one in the database meant it. */
export async function ensureBuiltInQueues(queryable: Queryable): Promise<void> {
  const [row] = await queryable.query(
    "select count(*)::int as found from dbos.queues where name = any($1)",
    [Object.keys(BUILT_IN)],
  );
  if (row?.["found"] === Object.keys(BUILT_IN).length) return;
  for (const [name, limits] of Object.entries(BUILT_IN)) {
    await queryable.query(
      `${PUT} where not exists (select from dbos.queues where name = $1)`,
      values(name, limits, null),
    );
  }
}

/**
 * Records a queue, or changes it. Processes notice within a second.
 *
 * @returns Whether it is this application's, or everybody's.
 */
export async function upsertQueue(
  queryable: Queryable,
  name: string,
  limits: QueueLimits,
  applicationName: string,
): Promise<boolean> {
  const [row] = await queryable.query(PUT, values(name, limits, applicationName));
  return row?.["put"] === true;
}

/** Whether the queue is partitioned; undefined when the application has none of this name. */
export async function isPartitioned(
  queryable: Queryable,
  name: string,
  applicationName: string,
): Promise<boolean | undefined> {
  const [row] = await queryable.query(
    `select partition_queue from dbos.queues where name = $1 and ${OURS}`,
    [name, applicationName],
  );
  return row && row["partition_queue"] === true;
}

/** The names of all queues of the application, for messages. */
export async function queueNames(queryable: Queryable, applicationName: string): Promise<string[]> {
  const rows = await queryable.query(
    `select name from dbos.queues where name <> $1 and ${OURS} order by name`,
    [DIRECT_QUEUE, applicationName],
  );
  return rows.map((row) => String(row["name"]));
}

/** Workers look into no others. */
const OURS = "(application_name = $2 or application_name is null)";

const PUT =
  "select timestep.put_queue($1, $2::int, $3::int, $4::int, $5::float8, $6::int, $7::float8, $8) as put";

function values(name: string, limits: QueueLimits, applicationName: string | null): Parameter[] {
  return [
    name,
    limits.concurrency ?? null,
    limits.workerConcurrency ?? null,
    limits.rateLimit?.limit ?? null,
    limits.rateLimit?.periodSeconds ?? null,
    limits.partitionConcurrency ?? null,
    (limits.pollingIntervalMs ?? 1000) / 1000,
    applicationName,
  ];
}
