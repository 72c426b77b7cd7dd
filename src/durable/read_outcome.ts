import { z } from "zod";
import type { Queryable } from "../database/database.ts";
import { RunNotFoundError } from "./errors.ts";
import type { RunInterruption } from "../core/run_interruption.ts";
import type { RunError, RunOutcome, RunUsage, UnknownToolCall } from "./run_outcome.ts";

const errorSchema = z.object({
  name: z.string(),
  message: z.string(),
  guardrail: z.string().optional(),
  outputInfo: z.json().optional(),
  code: z.string().optional(),
});

const runSchema = z.object({
  status: z.enum(["completed", "interrupted", "blocked", "failed", "cancelled", "unknown_outcome"]),
  segment: z.number().int(),
  finalOutput: z.json(),
  error: errorSchema.nullable(),
});

/**
 * What became of a run that this process does not execute: it has ended or it waits.
 *
 * @returns Nothing when it is queued or running.
 * @throws {RunNotFoundError} When there is no such run.
 */
export async function readOutcome(queryable: Queryable, runId: string): Promise<RunOutcome | undefined> {
  const [row] = await queryable.query(
    'select status, segment, final_output as "finalOutput", error from timestep.runs where run_id = $1',
    [runId],
  );
  if (!row) {
    throw new RunNotFoundError(`Cannot tell what became of run "${runId}": there is no run of this id.`);
  }
  if (row.status === "queued" || row.status === "running") return undefined;
  const { status, segment, finalOutput, error } = runSchema.parse(row);
  return {
    runId,
    status,
    segment,
    ...(status === "completed" && finalOutput !== null ? { finalOutput } : {}),
    ...(error ? { error: error as RunError } : {}),
    interruptions: status === "interrupted" ? await readInterruptions(queryable, runId, segment) : [],
    usage: await readUsage(queryable, runId),
    unknownToolCalls: status === "unknown_outcome" ? await readUnknownToolCalls(queryable, runId) : [],
  };
}

async function readInterruptions(
  queryable: Queryable,
  runId: string,
  segment: number,
): Promise<RunInterruption[]> {
  const rows = await queryable.query(
    `select interruption_id as "interruptionId", kind, agent_name as "agentName", tool_name as "toolName",
       call_id as "callId", arguments
     from timestep.interruptions where run_id = $1 and segment = $2::int order by interruption_id`,
    [runId, segment],
  );
  return rows.map((row) => interruptionSchema.parse(row));
}

const interruptionSchema = z.object({
  interruptionId: z.string(),
  kind: z.string(),
  agentName: z.string(),
  toolName: z.string(),
  callId: z.string().nullable(),
  arguments: z.string().nullable(),
});

/** The tokens that a run has used until now, as recorded. */
async function readUsage(queryable: Queryable, runId: string): Promise<RunUsage> {
  const [row] = await queryable.query(
    `select coalesce(sum(requests), 0)::bigint as "requests", coalesce(sum(input_tokens), 0)::bigint as "inputTokens",
       coalesce(sum(output_tokens), 0)::bigint as "outputTokens", coalesce(sum(total_tokens), 0)::bigint as "totalTokens"
     from timestep.usage where run_id = $1`,
    [runId],
  );
  return usageSchema.parse(row);
}

const usageSchema = z.object({
  requests: z.number(),
  inputTokens: z.number(),
  outputTokens: z.number(),
  totalTokens: z.number(),
});

/** The tool calls of a run of which nobody knows whether they were completed. */
async function readUnknownToolCalls(queryable: Queryable, runId: string): Promise<UnknownToolCall[]> {
  const rows = await queryable.query(
    `select key as "stepKey", name as "toolName", recorded_at as "startedAt"
     from timestep.journal where run_id = $1 and status = 'started' order by recorded_at, key`,
    [runId],
  );
  return rows.map((row) => unknownToolCallSchema.parse(row));
}

const unknownToolCallSchema = z.object({ stepKey: z.string(), toolName: z.string(), startedAt: z.date() });
