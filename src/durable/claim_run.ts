import { z } from "zod";
import type { Database, Row } from "../database/database.ts";
import type { AnyAgent } from "../agents/any_agent.ts";
import { AgentNotRegisteredError, RunNotFoundError } from "./errors.ts";
import { Execution } from "./execution.ts";
import type { ExecuteRunOptions } from "./execute_run_options.ts";
import type { RecordedStep, StepKind } from "./journal_row.ts";
import { registeredAgent, registeredAgentNames } from "./registry.ts";
import { parseRunOptions, type RunOptions } from "./run_options.ts";
import { isKept } from "./segment_ends.ts";

/** A run that this process executes from now on. */
export interface ClaimedRun {
  agent: AnyAgent;
  agentFingerprint: string | null;
  sessionId: string | null;
  /** Whether nothing was said in the session. */
  sessionIsEmpty: boolean;
  input: unknown;
  options: RunOptions;
  /** How it is dispatched, if it is a workflow. */
  dispatch: unknown;
  execution: Execution;
}

const claimSchema = z.object({
  agentName: z.string(),
  agentFingerprint: z.string().nullable(),
  sessionId: z.string().nullable(),
  sessionIsEmpty: z.boolean(),
  epoch: z.number().int(),
  input: z.unknown(),
  options: z.unknown(),
  dispatch: z.unknown(),
});

/**
 * Takes a run over: from now on no other process can record anything of it.
 *
 * @param workflowId The workflow that dispatches the run: if it is another one's by now, there is nothing to execute.
 * @returns Nothing when there is nothing to execute: the run has ended, waits, or is in another segment.
 * @throws {AgentNotRegisteredError} When this process does not know the run's agent; the run is left as it was.
 * @throws {RunNotFoundError} When there is no such run.
 */
export async function claimRun(
  { database, runId, segment, executorId }: Pick<
    ExecuteRunOptions,
    "database" | "runId" | "segment" | "executorId"
  >,
  workflowId: string | null = null,
): Promise<ClaimedRun | undefined> {
  const parameters = [runId, segment, executorId, registeredAgentNames(), workflowId];
  const [row] = await database.query(CLAIM, parameters);
  if (!row) return await whyNotClaimed(database, runId, segment, workflowId);
  const claim = claimSchema.parse(row);
  const agent = registeredAgent(claim.agentName);
  if (!agent) throw new AgentNotRegisteredError(runId, claim.agentName);
  const owner = { runId, segment, epoch: claim.epoch };
  const isNew = segment === 0 && claim.epoch === 1;
  const { steps, attempts, position } = isNew
    ? NOTHING_RECORDED
    : await readJournal(database, runId, segment);
  const options = parseRunOptions(claim.options);
  const execution = new Execution(
    database,
    owner,
    steps,
    new Map(attempts),
    position,
    options.callerTools,
  );
  if (isNew) execution.writer.keep(() => isKept(runId));
  // Recorded by a tool's own transaction, or by a person: they have no place in the stream of events yet.
  for (const { key, status, position } of steps) {
    if (position === null && status !== "started") execution.writer.publish(key);
  }
  return {
    agent,
    agentFingerprint: claim.agentFingerprint,
    sessionId: claim.sessionId,
    sessionIsEmpty: claim.sessionIsEmpty,
    input: claim.input,
    options,
    dispatch: claim.dispatch,
    execution,
  };
}

const CLAIM = `
select agent_name as "agentName", agent_fingerprint as "agentFingerprint", session_id as "sessionId",
  session_is_empty as "sessionIsEmpty", epoch, input, options, dispatch
from timestep.claim_run($1, $2::int, $3, $4::text[], 'typescript', $5) where epoch is not null`;

async function whyNotClaimed(
  database: Database,
  runId: string,
  segment: number,
  workflowId: string | null,
): Promise<undefined> {
  const [row] = await database.query(
    `select agent_name as "agentName", language = 'python' as "isPythons",
       segment = $2::int and status in ('queued', 'running') and ($3::text is null or workflow_id = $3) as executable
     from timestep.runs where run_id = $1`,
    [runId, segment, workflowId],
  );
  if (!row) throw new RunNotFoundError(`Cannot execute run "${runId}": there is no run of this id.`);
  const agentName = String(row.agentName);
  if (row.executable === true && (row.isPythons === true || !registeredAgent(agentName))) {
    throw new AgentNotRegisteredError(runId, agentName, row.isPythons === true ? "Python" : undefined);
  }
}

interface Recorded {
  steps: RecordedStep[];
  /** How often each step has begun to stream. */
  attempts: [step: string, attempt: number][];
  /** The last position that is taken. */
  position: number;
}

const NOTHING_RECORDED: Recorded = { steps: [], attempts: [], position: 0 };

/** All that was recorded of a segment. After the claim: whoever wrote before has been waited for. */
async function readJournal(database: Database, runId: string, segment: number): Promise<Recorded> {
  const steps = await database.query(
    `select key, kind, status, name, fingerprint, attempt, position, output,
       context_patch as "contextPatch", recorded_at as "recordedAt"
     from timestep.journal where run_id = $1 and segment = $2::int order by position nulls last`,
    [runId, segment],
  );
  const streamed = await database.query(
    // What was streamed in the segments before, which may be much, came before the last of their steps.
    `select step, max(attempt) as attempt, max(position) as position from timestep.run_events
     where run_id = $1 and position > coalesce(
       (select max(position) from timestep.journal where run_id = $1 and segment < $2::int), 0
     ) group by step`,
    [runId, segment],
  );
  const [last] = await database.query(
    "select coalesce(max(position), 0) as position from timestep.journal where run_id = $1",
    [runId],
  );
  return {
    steps: steps.map(toRecordedStep),
    attempts: streamed.map(({ step, attempt }) => [String(step), Number(attempt)]),
    position: Math.max(Number(last?.position), ...streamed.map(({ position }) => Number(position))),
  };
}

const stepSchema = z.object({
  key: z.string(),
  kind: z.enum(["model", "tool", "guardrail", "session", "handoff", "approval"] satisfies StepKind[]),
  status: z.enum(["started", "completed", "failed"]),
  name: z.string().nullable(),
  fingerprint: z.string().nullable(),
  attempt: z.number().int(),
  position: z.number().int().nullable(),
  output: z.unknown(),
  contextPatch: z.unknown(),
  recordedAt: z.date(),
});

function toRecordedStep(row: Row): RecordedStep {
  return stepSchema.parse(row);
}
