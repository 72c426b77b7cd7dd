import { z } from "zod";
import { assertOptions } from "../core/assert_options.ts";
import type { Database, Parameter, Row } from "../database/database.ts";
import { assertStorableName } from "../database/storable_name.ts";
import { RunNotFoundError } from "../durable/errors.ts";
import type { JsonValue } from "../core/json_value.ts";
import type { RunError, RunOutcomeStatus } from "../durable/run_outcome.ts";
import { workflowDatabase } from "./_database.ts";

/**
 * What a run is doing. `queued` waits for its turn; `interrupted` and `unknown_outcome` wait for a person; the
 * others but `running` are final.
 */
export type RunStatus = "queued" | "running" | RunOutcomeStatus;

/** A run as it is recorded. */
export interface RunInfo {
  /** Names the run. */
  runId: string;
  /** What it is doing. */
  status: RunStatus;
  /** The agent that started. */
  agentName: string;
  /** The conversation that it belongs to; null: none. */
  sessionId: string | null;
  /** Whom the run belongs to; null: the service itself. */
  ownerId: string | null;
  /** How often the run was continued after a pause. */
  segment: number;
  /** The run that this one repeats from somewhere on. */
  forkedFrom: string | null;
  /** A text, or items. */
  input: JsonValue;
  /** What the last agent answered; null unless the status is `completed`. */
  finalOutput: JsonValue;
  /** Why; null unless the run was blocked, failed, or was cancelled for taking too long. */
  error: RunError | null;
  /** When it was started, or put into its queue. */
  createdAt: Date;
  /** When it last began, went on, was paused or ended. */
  updatedAt: Date;
  /** Null unless the status is final. */
  finishedAt: Date | null;
}

/** Which runs to list. */
export interface ListRunsOptions {
  /** Only runs that are doing one of these. */
  status?: RunStatus | readonly RunStatus[] | undefined;
  /** Only runs that began with this agent. */
  agentName?: string | undefined;
  /** Only runs of this session. */
  sessionId?: string | undefined;
  /** Only runs of this owner. */
  ownerId?: string | undefined;
  /** How many at most, 1 to 1000. @default {100} */
  limit?: number | undefined;
  /** The next page: only runs older than the one of this id, the last of the page before. */
  before?: string | undefined;
}

/**
 * A run, whatever it is doing. Works without the agent's code and without DBOS.
 *
 * @param runId Its id.
 * @throws {RunNotFoundError} When there is no such run.
 */
export async function getRun(runId: string): Promise<RunInfo> {
  return await readRun(await workflowDatabase(), runId);
}

/**
 * Runs, newest first. Works without the agents' code and without DBOS.
 *
 * @param options Which ones.
 * @throws {RangeError} When `limit` is out of range, or a status is none.
 * @throws {TypeError} When nothing could have such a name.
 * @throws {RunNotFoundError} When there is no run `before`.
 */
export async function listRuns(options: ListRunsOptions = {}): Promise<RunInfo[]> {
  assertOptions("list runs", options);
  const { limit = 100, before } = options;
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
    throw new RangeError(`Cannot list runs: limit is ${limit}, but has to be an integer from 1 to 1000.`);
  }
  const status = options.status === undefined ? null : [options.status].flat();
  const unknown = status?.find((known) => !runStatusSchema.safeParse(known).success);
  if (unknown !== undefined) {
    throw new RangeError(
      `Cannot list runs: status is ${JSON.stringify(unknown)}, but has to be one of ${
        runStatusSchema.options.join(", ")
      }.`,
    );
  }
  for (const what of ["agentName", "sessionId", "ownerId"] as const) {
    if (options[what] !== undefined) assertStorableName(what, options[what]);
  }
  const database = await workflowDatabase();
  if (before !== undefined) await readRun(database, before);
  const parameters: Parameter[] = [
    status,
    options.agentName ?? null,
    options.sessionId ?? null,
    options.ownerId ?? null,
    before ?? null,
    limit,
  ];
  // Said for the index of runs that are under way.
  const mayBeOver = status?.some((known) => FINAL.includes(known)) ?? true;
  const rows = await database.query(
    `select ${COLUMNS} from timestep.runs
     where ($1::text[] is null or status = any($1))${mayBeOver ? "" : " and finished_at is null"}
       and ($2::text is null or agent_name = $2)
       and ($3::text is null or session_id = $3) and ($4::text is null or owner_id = $4)
       and ($5::text is null
         or (created_at, run_id) < (select created_at, run_id from timestep.runs where run_id = $5))
     order by created_at desc, run_id desc limit $6::int`,
    parameters,
  );
  return rows.map(toRunInfo);
}

/** @throws {RunNotFoundError} When there is no such run. */
export async function readRun(database: Database, runId: string): Promise<RunInfo> {
  checkRunId(runId);
  const [row] = await database.query(`select ${COLUMNS} from timestep.runs where run_id = $1`, [runId]);
  if (!row) throw runNotFound(runId);
  return toRunInfo(row);
}

/** The error for a run that there is not. */
export function runNotFound(runId: string): RunNotFoundError {
  return new RunNotFoundError(`Cannot find run ${JSON.stringify(runId)}: there is none of this id.`);
}

/**
 * Makes sure that a run may have this id, before the database is asked, which takes no NUL and no half of a pair.
 *
 * @throws {TypeError} When it is no text.
 * @throws {RunNotFoundError} When no run can have it.
 */
export function checkRunId(runId: unknown): void {
  if (typeof runId !== "string") {
    throw new TypeError(`Cannot find a run: its id is ${String(runId)}, but has to be a text.`);
  }
  if (runId.includes("\0") || !runId.isWellFormed()) throw runNotFound(runId);
}

/** Reads a status, in whatever row it stands. */
export const runStatusSchema = z.enum(
  [
    "queued",
    "running",
    "interrupted",
    "completed",
    "blocked",
    "failed",
    "cancelled",
    "unknown_outcome",
  ] satisfies RunStatus[],
);

/** After these nothing happens to a run any more. */
export const FINAL: readonly RunStatus[] = ["completed", "blocked", "failed", "cancelled"];

const COLUMNS = `run_id as "runId", status, agent_name as "agentName", session_id as "sessionId",
  owner_id as "ownerId", segment, forked_from as "forkedFrom", input, final_output as "finalOutput", error,
  created_at as "createdAt", updated_at as "updatedAt", finished_at as "finishedAt"`;

const runSchema = z.object({
  runId: z.string(),
  status: runStatusSchema,
  agentName: z.string(),
  sessionId: z.string().nullable(),
  ownerId: z.string().nullable(),
  segment: z.number().int(),
  forkedFrom: z.string().nullable(),
  input: z.json(),
  finalOutput: z.json(),
  error: z.object({
    name: z.string(),
    message: z.string(),
    guardrail: z.string().optional(),
    outputInfo: z.json().optional(),
    code: z.string().optional(),
  }).nullable(),
  createdAt: z.date(),
  updatedAt: z.date(),
  finishedAt: z.date().nullable(),
});

function toRunInfo(row: Row): RunInfo {
  // zod says of an optional property that it may be undefined, which one from JSON never is.
  return runSchema.parse(row) as RunInfo;
}
