import { z } from "zod";
import type { Database, Row } from "../database/database.ts";
import type { AnyAgent } from "../agents/any_agent.ts";
import { AgentNotRegisteredError, RunNotFoundError } from "./errors.ts";
import { Execution } from "./execution.ts";
import type { ExecuteRunOptions } from "./execute_run_options.ts";
import type { RecordedStep, StepKind } from "./journal_row.ts";
import { registeredAgent, registeredAgentNames } from "./registry.ts";
import { parseRunOptions, type RunOptions } from "./run_options.ts";

/** A run that this process executes from now on. */
export interface ClaimedRun {
  agent: AnyAgent;
  agentFingerprint: string | null;
  sessionId: string | null;
  input: unknown;
  options: RunOptions;
  execution: Execution;
}

const claimSchema = z.object({
  agentName: z.string(),
  agentFingerprint: z.string().nullable(),
  sessionId: z.string().nullable(),
  epoch: z.number().int(),
  input: z.unknown(),
  options: z.unknown(),
});

/**
 * Takes a run over: from now on no other process can record anything of it.
 *
 * @returns Nothing when there is nothing to execute: the run has ended, waits, or is in another segment.
 * @throws {AgentNotRegisteredError} When this process does not know the run's agent; the run is left as it was.
 * @throws {RunNotFoundError} When there is no such run.
 */
export async function claimRun(
  { database, runId, segment, executorId }: ExecuteRunOptions,
): Promise<ClaimedRun | undefined> {
  const [row] = await database.query(
    `update timestep.runs
     set status = 'running', epoch = epoch + 1, executor_id = $3, language = 'typescript', updated_at = now()
     where run_id = $1 and segment = $2::int and status in ('queued', 'running') and agent_name = any($4::text[])
       and coalesce(language, 'typescript') = 'typescript'
     returning agent_name as "agentName", agent_fingerprint as "agentFingerprint",
       session_id as "sessionId", epoch, input, options`,
    [runId, segment, executorId, registeredAgentNames()],
  );
  if (!row) return await whyNotClaimed(database, runId, segment);
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
  // Recorded by a tool's own transaction, or by a person: they have no place in the stream of events yet.
  for (const { key, status, position } of steps) {
    if (position === null && status !== "started") execution.writer.publish(key);
  }
  return {
    agent,
    agentFingerprint: claim.agentFingerprint,
    sessionId: claim.sessionId,
    input: claim.input,
    options,
    execution,
  };
}

async function whyNotClaimed(database: Database, runId: string, segment: number): Promise<undefined> {
  const [row] = await database.query(
    `select agent_name as "agentName", segment = $2::int and status in ('queued', 'running') as executable,
       language = 'python' as "isPythons"
     from timestep.runs where run_id = $1`,
    [runId, segment],
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
    `select step, max(attempt) as attempt, max(position) as position from timestep.run_events
     where run_id = $1 group by step`,
    [runId],
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
