import { z } from "zod";
import { assertStorableName } from "../database/storable_name.ts";
import { workflowDatabase } from "./_database.ts";
import { parseCrontab, ticksAhead } from "./_schedule_ticks.ts";
import { ScheduleNotFoundError } from "./errors.ts";

/** What is done about ticks at which neither a worker nor pg_cron was there: one run for all of them, or none. */
export type MissedTicks = "once" | "skip";

/** A schedule as it is recorded. */
export interface ScheduleInfo {
  /** What its runs begin with, and what it is called by. */
  name: string;
  /** Minute, hour, day of month, month, day of week; before them perhaps second. */
  crontab: string;
  /** The time zone that the crontab is meant in. */
  timezone: string;
  /** The agent that is run. */
  agentName: string;
  /** The conversation that the runs belong to; null: none. */
  sessionId: string | null;
  /** What is done about ticks at which neither a worker nor pg_cron was there. */
  missed: MissedTicks;
  /** Whether it rests. */
  paused: boolean;
  /** The next tick; when the schedule is paused, the tick that it was paused before. */
  nextAt: Date;
  /** The last tick for which a run was started. */
  lastFiredAt: Date | null;
}

/** All schedules, by name. Works without the agents' code and without DBOS. */
export async function listScheduledAgentWorkflows(): Promise<ScheduleInfo[]> {
  const database = await workflowDatabase();
  const rows = await database.query(
    `select name, crontab, timezone, agent_name as "agentName", session_id as "sessionId", missed, paused,
       next_at as "nextAt", last_fired_at as "lastFiredAt"
     from timestep.schedules order by name`,
  );
  return rows.map((row) => scheduleSchema.parse(row));
}

/**
 * Lets a schedule rest: its ticks pass without a run until it is resumed.
 *
 * @param name The schedule.
 * @throws {ScheduleNotFoundError} When there is none of this name.
 * @throws {TypeError} When none can have it.
 */
export async function pauseScheduledAgentWorkflow(name: string): Promise<void> {
  assertStorableName("name of the schedule", name);
  const database = await workflowDatabase();
  const rows = await database.query(
    "update timestep.schedules set paused = true where name = $1 returning name",
    [name],
  );
  if (rows.length === 0) throw notFound(name);
}

/**
 * Goes on with a schedule, from the next tick on.
 *
 * @param name The schedule.
 * @throws {ScheduleNotFoundError} When there is none of this name.
 * @throws {TypeError} When none can have it.
 */
export async function resumeScheduledAgentWorkflow(name: string): Promise<void> {
  assertStorableName("name of the schedule", name);
  const database = await workflowDatabase();
  const [row] = await database.query(
    "select crontab, timezone, now() as now from timestep.schedules where name = $1",
    [name],
  );
  if (!row) throw notFound(name);
  const { crontab, timezone, now } = clockSchema.parse(row);
  const ticks = ticksAhead(await parseCrontab(crontab, timezone), now);
  await database.query("select timestep.resume_schedule($1, $2::text[]::timestamptz[])", [
    name,
    ticks.map((tick) => tick.toISOString()),
  ]);
}

/**
 * Removes a schedule. Runs that it started are not touched.
 *
 * @param name The schedule.
 * @throws {ScheduleNotFoundError} When there is none of this name.
 * @throws {TypeError} When none can have it.
 */
export async function removeScheduledAgentWorkflow(name: string): Promise<void> {
  assertStorableName("name of the schedule", name);
  const database = await workflowDatabase();
  const rows = await database.query("delete from timestep.schedules where name = $1 returning name", [name]);
  if (rows.length === 0) throw notFound(name);
}

function notFound(name: string): ScheduleNotFoundError {
  return new ScheduleNotFoundError(
    `Cannot find schedule "${name}": there is none of this name. listScheduledAgentWorkflows() tells which there are.`,
  );
}

const scheduleSchema = z.object({
  name: z.string(),
  crontab: z.string(),
  timezone: z.string(),
  agentName: z.string(),
  sessionId: z.string().nullable(),
  missed: z.enum(["once", "skip"]),
  paused: z.boolean(),
  nextAt: z.date(),
  lastFiredAt: z.date().nullable(),
});

const clockSchema = z.object({ crontab: z.string(), timezone: z.string(), now: z.date() });
