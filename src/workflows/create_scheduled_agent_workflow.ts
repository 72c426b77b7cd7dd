import { serializeRunOptions } from "../durable/run_options.ts";
import { dispatchDatabase } from "./_database.ts";
import { DEFAULT_QUEUE, type Dispatch } from "./_dispatch.ts";
import { isPartitioned } from "./_queues.ts";
import { parseCrontab } from "./_schedule_firing.ts";
import type { AgentWorkflowOptions } from "./agent_workflow_options.ts";
import { prepareRun } from "./_start_run.ts";
import type { MissedTicks } from "./schedules.ts";
import { useConfiguration } from "./configure_dbos.ts";
import { QueueNotFoundError } from "./errors.ts";

/** An agent, what it is run with, and when. */
export interface CreateScheduledAgentWorkflowOptions extends Omit<AgentWorkflowOptions, "workflowId"> {
  /** Names the schedule; runs are called `<name>:<tick>`. Default: the agent's name. */
  name?: string | undefined;
  /** Minute, hour, day of month, month, day of week; before them, if you like, second. */
  crontab: string;
  /** The time zone that the crontab is meant in, e.g. `Europe/Berlin`. @default {"UTC"} */
  timezone?: string | undefined;
  /**
   * What is done about ticks at which no worker was there: `once` starts one run for all of them, `skip` none.
   * @default {"once"}
   */
  missed?: MissedTicks | undefined;
  /** The queue that the runs go through, of `registerAgentQueue()`. @default {"agents"} */
  queueName?: string | undefined;
}

/**
 * Runs an agent by the clock. The schedule is kept in the database: it may be created before any worker is there
 * and outlives them all. At each tick one run starts, however many workers there are; a worker fires the schedules
 * of agents that it knows, so register the agent in each of them.
 *
 * The same name again changes the schedule, and leaves its next tick when crontab and time zone are the same.
 *
 * @param options The schedule.
 * @throws {RangeError} When the crontab or the time zone is not one.
 * @throws {QueueNotFoundError} When there is no such queue.
 * @throws {SessionNotDurableError} When another process could not open the session.
 */
export async function createScheduledAgentWorkflow(
  options: CreateScheduledAgentWorkflowOptions,
): Promise<void> {
  const { crontab, timezone = "UTC", missed = "once", queueName = DEFAULT_QUEUE, agent } = options;
  const name = options.name ?? agent.name;
  if (name === "") {
    throw new TypeError("Cannot create a schedule: its name is empty. Leave it out or fill it.");
  }
  const next = (await parseCrontab(crontab, timezone)).nextWakeupTime(new Date());
  const { run, sessionKind, timeoutSeconds } = await prepareRun(options);
  const database = await dispatchDatabase();
  const partitioned = await isPartitioned(database, queueName);
  if (partitioned === undefined) {
    throw new QueueNotFoundError(
      `Cannot create schedule "${name}": there is no queue "${queueName}". Register it with registerAgentQueue().`,
    );
  }
  const dispatch: Dispatch = {
    applicationName: useConfiguration().name,
    queueName,
    ...(partitioned ? { partitionKey: run.sessionId ?? name } : {}),
    ...(sessionKind ? { sessionKind } : {}),
    ...(timeoutSeconds !== undefined ? { timeoutSeconds } : {}),
  };
  await database.query(UPSERT, [
    name,
    crontab,
    timezone,
    agent.name,
    JSON.stringify(run.input),
    run.sessionId ?? null,
    run.ownerId ?? null,
    JSON.stringify(dispatch),
    serializeRunOptions(run),
    missed,
    next,
  ]);
}

const UPSERT = `
insert into timestep.schedules as known
  (name, crontab, timezone, agent_name, input, session_id, owner_id, dispatch, options, missed, next_at)
values ($1, $2, $3, $4, $5::text::json, $6, $7, $8::text::json, $9::text::json, $10, $11)
on conflict (name) do update set
  crontab = excluded.crontab, timezone = excluded.timezone, agent_name = excluded.agent_name,
  input = excluded.input, session_id = excluded.session_id, owner_id = excluded.owner_id,
  dispatch = excluded.dispatch, options = excluded.options, missed = excluded.missed,
  next_at = case when known.crontab = excluded.crontab and known.timezone = excluded.timezone
    then known.next_at else excluded.next_at end`;
