import { z } from "zod";
import type { AgentInputItem } from "@openai/agents";
import { exportsOf } from "../core/common_js.ts";
import type { Database, Queryable } from "../database/database.ts";
import { registeredAgent, registeredAgentNames } from "../durable/registry.ts";
import { parseRunOptions } from "../durable/run_options.ts";
import { parseDispatch } from "./_dispatch.ts";
import { type Crontab, dueTicks } from "./_schedule_ticks.ts";
import { startRun } from "./_start_run.ts";

/** How many schedules one process fires at once. */
const SCHEDULES_AT_ONCE = 20;

/**
 * Starts the runs of schedules that are due, of agents that this process knows. Every worker does this; the lock
 * on its row gives each tick to one of them, and the run's id makes sure.
 */
export async function fireDueSchedules(database: Database, applicationName: string): Promise<void> {
  const agents = registeredAgentNames();
  const [due] = await database.query(
    "select 1 from timestep.schedules where not paused and next_at <= now() and agent_name = any($1) limit 1",
    [agents],
  );
  if (!due) return;
  await database.transaction(async (transaction) => {
    const rows = await transaction.query(
      `select name, crontab, timezone, agent_name, input, session_id, owner_id, dispatch, options, missed, next_at,
         now() as now
       from timestep.schedules
       where not paused and next_at <= now() and agent_name = any($1)
         and dispatch ->> 'applicationName' = $2
       order by next_at limit ${SCHEDULES_AT_ONCE} for update skip locked`,
      [agents, applicationName],
    );
    for (const row of rows) await fire(transaction, scheduleSchema.parse(row));
  });
}

const scheduleSchema = z.object({
  name: z.string(),
  crontab: z.string(),
  timezone: z.string(),
  agent_name: z.string(),
  input: z.json(),
  session_id: z.string().nullable(),
  owner_id: z.string().nullable(),
  dispatch: z.unknown(),
  options: z.unknown(),
  missed: z.enum(["once", "skip"]),
  next_at: z.date(),
  now: z.date(),
});

async function fire(transaction: Queryable, schedule: z.infer<typeof scheduleSchema>): Promise<void> {
  const agent = registeredAgent(schedule.agent_name);
  if (!agent) return;
  const crontab = await parseCrontab(schedule.crontab, schedule.timezone);
  const ticks = dueTicks(crontab, schedule.next_at, schedule.now, schedule.missed);
  const { sessionKind, timeoutSeconds, ...dispatch } = parseDispatch(schedule.dispatch);
  const { stream, maxTurns, context } = parseRunOptions(schedule.options);
  for (const tick of ticks.fire) {
    const run = {
      agent,
      // As createScheduledAgentWorkflow() recorded it.
      input: schedule.input as string | AgentInputItem[],
      ...(schedule.session_id !== null ? { sessionId: schedule.session_id } : {}),
      ...(schedule.owner_id !== null ? { ownerId: schedule.owner_id } : {}),
      ...(stream !== undefined ? { stream } : {}),
      ...(maxTurns !== undefined ? { maxTurns } : {}),
      ...(context !== undefined ? { context } : {}),
    };
    await startRun(
      transaction,
      tickRunId(schedule.name, tick),
      { agent, run, sessionKind, timeoutSeconds },
      dispatch,
    );
  }
  await transaction.query(
    `update timestep.schedules set next_at = $2, last_fired_at = coalesce($3, last_fired_at) where name = $1`,
    [schedule.name, ticks.next, ticks.fire.at(-1) ?? null],
  );
}

/** The id of the run that a schedule starts at a tick. */
function tickRunId(name: string, tick: Date): string {
  return `${name}:${tick.toISOString()}`;
}

/**
 * Reads a crontab of five fields, or six with seconds first.
 *
 * @throws {RangeError} When it, or the time zone, is not one.
 */
export async function parseCrontab(crontab: string, timezone: string): Promise<Crontab> {
  const { TimeMatcher } = exportsOf(await import("@dbos-inc/dbos-sdk/internal/scheduler/crontab"));
  try {
    return new TimeMatcher(crontab, timezone);
  } catch (error) {
    throw new RangeError(
      `Cannot schedule by "${crontab}" in time zone "${timezone}": ${
        error instanceof Error ? error.message : error
      }.`,
      { cause: error },
    );
  }
}
