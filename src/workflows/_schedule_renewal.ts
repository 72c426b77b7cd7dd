import { z } from "zod";
import type { Database } from "../database/database.ts";
import { registeredAgentNames } from "../durable/registry.ts";
import { warn } from "./_logger.ts";
import { parseCrontab, ticksAhead } from "./_schedule_ticks.ts";

const renewalSchema = z.object({
  name: z.string(),
  crontab: z.string(),
  timezone: z.string(),
  next_at: z.date(),
  now: z.date(),
});

const notRead = new Set<string>();

/**
 * Notes the ticks to come of schedules that have few left, for SQL to fire. Only of agents that this process knows:
 * where nobody does any more, runs that nobody can execute come to an end.
 */
export async function renewSchedules(database: Database): Promise<void> {
  const rows = await database.query(
    `select name, crontab, timezone, next_at, now() as now from timestep.schedules
     where not paused and renew_at <= now() and agent_name = any($1)`,
    [registeredAgentNames()],
  );
  for (const row of rows) await renew(database, renewalSchema.parse(row));
}

async function renew(database: Database, schedule: z.infer<typeof renewalSchema>): Promise<void> {
  const { name, crontab, timezone, next_at, now } = schedule;
  let ticks;
  try {
    ticks = ticksAhead(await parseCrontab(crontab, timezone), now, next_at);
  } catch (error) {
    if (!notRead.has(name)) warn(`Schedule "${name}" ends when its known ticks do: ${error}`);
    notRead.add(name);
    return;
  }
  await database.query("select timestep.renew_schedule($1, $2, $3, $4::text[]::timestamptz[])", [
    name,
    crontab,
    timezone,
    ticks.map((tick) => tick.toISOString()),
  ]);
}
