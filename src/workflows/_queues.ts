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
    await queryable.query(`${INSERT} on conflict (name) do nothing`, values(name, limits, null));
  }
}

/** Records a queue, or changes it. Processes notice within a second. */
export async function upsertQueue(
  queryable: Queryable,
  name: string,
  limits: QueueLimits,
  applicationName: string,
): Promise<void> {
  await queryable.query(
    `${INSERT} on conflict (name) do update set
      concurrency = excluded.concurrency, worker_concurrency = excluded.worker_concurrency,
      rate_limit_max = excluded.rate_limit_max, rate_limit_period_sec = excluded.rate_limit_period_sec,
      partition_queue = excluded.partition_queue, partition_concurrency = excluded.partition_concurrency,
      polling_interval_sec = excluded.polling_interval_sec, updated_at = excluded.updated_at`,
    values(name, limits, applicationName),
  );
}

/** Whether the queue is partitioned; undefined when there is none of this name. */
export async function isPartitioned(queryable: Queryable, name: string): Promise<boolean | undefined> {
  const [row] = await queryable.query("select partition_queue from dbos.queues where name = $1", [name]);
  return row && row["partition_queue"] === true;
}

/** The names of all queues, for messages. */
export async function queueNames(queryable: Queryable): Promise<string[]> {
  const rows = await queryable.query("select name from dbos.queues order by name");
  return rows.map((row) => String(row["name"])).filter((name) => name !== DIRECT_QUEUE);
}

const INSERT = `insert into dbos.queues (
  name, concurrency, worker_concurrency, rate_limit_max, rate_limit_period_sec, priority_enabled, partition_queue,
  partition_concurrency, polling_interval_sec, updated_at, application_name
) values ($1, $2::int, $3::int, $4::int, $5::float8, true, $6::bool, $7::int, $8::float8,
  (extract(epoch from now()) * 1000)::bigint, $9)`;

function values(name: string, limits: QueueLimits, applicationName: string | null): Parameter[] {
  return [
    name,
    limits.concurrency ?? null,
    limits.workerConcurrency ?? null,
    limits.rateLimit?.limit ?? null,
    limits.rateLimit?.periodSeconds ?? null,
    limits.partitionConcurrency !== undefined,
    limits.partitionConcurrency ?? null,
    (limits.pollingIntervalMs ?? 1000) / 1000,
    applicationName,
  ];
}
