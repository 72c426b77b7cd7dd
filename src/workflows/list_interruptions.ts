import { z } from "zod";
import { assertOptions } from "../core/assert_options.ts";
import type { RunInterruption } from "../core/run_interruption.ts";
import { assertStorableName } from "../database/storable_name.ts";
import { workflowDatabase } from "./_database.ts";

/** An interruption and its run, for `decide()`. */
export interface Interruption extends RunInterruption {
  /** The run that waits. */
  runId: string;
  /** The conversation that the run belongs to; null: none. */
  sessionId: string | null;
  /** `pending` until somebody decides. */
  status: "pending" | "approved" | "rejected";
  /** When the run was paused. */
  createdAt: Date;
  /** Null while the decision is pending. */
  decidedAt: Date | null;
}

/** Whose interruptions to list: a run's, a session's, or everybody's. */
export interface ListInterruptionsOptions {
  /** Only this run's. */
  runId?: string | undefined;
  /** Only those of runs of this session. */
  sessionId?: string | undefined;
}

/**
 * What paused runs wait for, oldest first; also what of it was decided while the rest is not. Works from any
 * process, without the agents' code and without DBOS.
 *
 * @param options Whose interruptions.
 * @throws {TypeError} When nothing could have such an id.
 *
 * @example
 * ```ts
 * import { configureDBOS, listInterruptions, shutdownDBOS } from "@timestep-ai/timestep";
 *
 * configureDBOS({ connectionString: "pglite:memory" });
 * for (const { runId, toolName } of await listInterruptions()) console.log(runId, toolName);
 * await shutdownDBOS();
 * ```
 */
export async function listInterruptions(options: ListInterruptionsOptions = {}): Promise<Interruption[]> {
  assertOptions("list interruptions", options);
  for (const what of ["runId", "sessionId"] as const) {
    if (options[what] !== undefined) assertStorableName(what, options[what]);
  }
  const database = await workflowDatabase();
  const rows = await database.query(
    `select i.run_id as "runId", i.interruption_id as "interruptionId", r.session_id as "sessionId", i.kind,
       i.agent_name as "agentName", i.tool_name as "toolName", i.call_id as "callId", i.arguments, i.status,
       i.created_at as "createdAt", i.decided_at as "decidedAt"
     from timestep.interruptions i join timestep.runs r on r.run_id = i.run_id and r.segment = i.segment
     where r.status = 'interrupted' and ($1::text is null or r.run_id = $1)
       and ($2::text is null or r.session_id = $2)
       and i.run_id in (select p.run_id from timestep.interruptions p where p.decided_at is null and p.status = 'pending')
     order by i.created_at, i.run_id, i.interruption_id`,
    [options.runId ?? null, options.sessionId ?? null],
  );
  return rows.map((row) => interruptionSchema.parse(row));
}

const interruptionSchema = z.object({
  runId: z.string(),
  interruptionId: z.string(),
  sessionId: z.string().nullable(),
  kind: z.string(),
  agentName: z.string(),
  toolName: z.string(),
  callId: z.string().nullable(),
  arguments: z.string().nullable(),
  status: z.enum(["pending", "approved", "rejected"]),
  createdAt: z.date(),
  decidedAt: z.date().nullable(),
});
