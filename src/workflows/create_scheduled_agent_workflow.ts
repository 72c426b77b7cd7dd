import { z } from "zod";
import { assertOptions } from "../core/assert_options.ts";
import { agentDefinition } from "../agents/agent_definition.ts";
import { assertStorableName } from "../database/storable_name.ts";
import { inputText } from "../durable/create_run.ts";
import { registerAgent } from "../durable/registry.ts";
import { serializeRunOptions } from "../durable/run_options.ts";
import { dispatchDatabase } from "./_database.ts";
import { DEFAULT_QUEUE, type Dispatch } from "./_dispatch.ts";
import { isPartitioned } from "./_queues.ts";
import { parseCrontab, ticksAhead } from "./_schedule_ticks.ts";
import type { AgentWorkflowOptions } from "./agent_workflow_options.ts";
import { prepareRun } from "./_start_run.ts";
import type { MissedTicks } from "./schedules.ts";
import { useConfiguration } from "./configure_dbos.ts";
import { QueueNotFoundError } from "./errors.ts";

/** An agent, what it is run with, and when. */
export interface CreateScheduledAgentWorkflowOptions extends Omit<AgentWorkflowOptions, "workflowId"> {
  /** Names the schedule; runs are called `<name>:<tick>`. Default: the agent's name. */
  name?: string | undefined;
  /**
   * Minute, hour, day of month, month, day of week; before them, if you like, second. All of them have to match, days
   * of month and of week, too.
   */
  crontab: string;
  /**
   * The time zone that the crontab is meant in, e.g. `Europe/Berlin`. What falls into the hour that the clocks leave
   * out is left out, and what falls into the one that they repeat comes twice. @default {"UTC"}
   */
  timezone?: string | undefined;
  /**
   * What is done about ticks at which neither a worker nor pg_cron was there: `once` starts one run for all of them,
   * `skip` none.
   * @default {"once"}
   */
  missed?: MissedTicks | undefined;
  /** The queue that the runs go through, of `registerAgentQueue()`. @default {"agents"} */
  queueName?: string | undefined;
}

/**
 * Runs an agent by the clock. The schedule is kept in the database: it may be created before any worker is there
 * and outlives them all. At each tick one run is queued, however many workers there are: by any of them, or by
 * pg_cron while none is there, as long as the ticks last that are known in advance: 100 of them, ten minutes' at
 * least, a year's at most. Workers that know the agent note further ones.
 *
 * The same name again changes the schedule, and leaves its next tick when crontab and time zone are the same.
 *
 * @param options The schedule.
 * @throws {RangeError} When the crontab or the time zone is not one, or another option has no such value.
 * @throws {TypeError} When a name can't be stored.
 * @throws {QueueNotFoundError} When there is no such queue.
 * @throws {SessionNotDurableError} When another process could not open the session.
 */
export async function createScheduledAgentWorkflow(
  options: CreateScheduledAgentWorkflowOptions,
): Promise<void> {
  assertOptions("create a schedule", options);
  const { crontab, timezone = "UTC", missed = "once", queueName = DEFAULT_QUEUE, agent } = options;
  registerAgent(agent);
  const name = options.name ?? agent.name;
  if (name === "") {
    throw new TypeError("Cannot create a schedule: its name is empty. Leave it out or fill it.");
  }
  assertStorableName("name of the schedule", name);
  assertStorableName("queueName", queueName);
  if (!MISSED.includes(missed)) {
    throw new RangeError(
      `Cannot create schedule "${name}": missed is ${JSON.stringify(missed)}, but has to be ${
        MISSED.join(" or ")
      }.`,
    );
  }
  const ticking = await parseCrontab(crontab, timezone);
  const { run, sessionKind, timeoutSeconds } = await prepareRun(options);
  const database = await dispatchDatabase();
  const applicationName = useConfiguration().name;
  const partitioned = await isPartitioned(database, queueName, applicationName);
  if (partitioned === undefined) {
    throw new QueueNotFoundError(
      `Cannot create schedule "${name}": there is no queue "${queueName}". Register it with registerAgentQueue().`,
    );
  }
  const dispatch: Dispatch = {
    applicationName,
    queueName,
    ...(partitioned ? { partitionKey: run.sessionId ?? name } : {}),
    ...(sessionKind ? { sessionKind } : {}),
    ...(timeoutSeconds !== undefined ? { timeoutSeconds } : {}),
  };
  const { fingerprint, definition } = agentDefinition(agent);
  // By the clock that fires them: this machine's may be wrong.
  const [clock] = await database.query("select now() as now");
  const ticks = ticksAhead(ticking, z.date().parse(clock?.["now"]));
  await database.query(PUT, [
    name,
    crontab,
    timezone,
    agent.name,
    fingerprint,
    inputText(run.input),
    run.sessionId ?? null,
    run.ownerId ?? null,
    JSON.stringify(dispatch),
    serializeRunOptions(run),
    missed,
    ticks.map((tick) => tick.toISOString()),
    JSON.stringify(definition),
  ]);
}

const MISSED: readonly MissedTicks[] = ["once", "skip"];

const PUT = `
with agent as (
  insert into timestep.agents (agent_name, fingerprint, definition)
  values ($4, $5, $13::text::json) on conflict do nothing
)
select timestep.put_schedule(
  $1, $2, $3, $4, $5, $6::text::json, $7, $8, $9::text::json, $10::text::json, $11, $12::text[]::timestamptz[]
)`;
