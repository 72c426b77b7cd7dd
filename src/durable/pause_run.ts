import type { RunState } from "@openai/agents";
import { z } from "zod";
import type { AnyAgent } from "../agents/any_agent.ts";
import type { Queryable } from "../database/database.ts";
import { type Envelope, envelopeSchema, seal, unseal } from "../state/envelope.ts";
import { type InterruptionFacts, interruptionsOf } from "../state/run_facts.ts";
import { StateTranslationError } from "../state/python/translation_error.ts";
import { AgentNotRegisteredError, PauseNotResumableError, RunNotFoundError } from "./errors.ts";
import type { Execution } from "./execution.ts";
import type { RunOwner } from "./journal_statement.ts";

type PausedState = RunState<unknown, AnyAgent>;

/** What a run is paused with: its snapshot, and what it waits for. */
export interface Pause {
  envelope: Envelope;
  interruptions: InterruptionFacts[];
}

/**
 * What to record of a pause.
 *
 * @throws {PauseNotResumableError} When the SDK would refuse the snapshot: then nobody is to be asked in vain.
 */
export function preparePause(runId: string, agent: AnyAgent, state: PausedState): Pause {
  const envelope = seal(agent, state);
  if (heldBackSchema.safeParse(JSON.parse(envelope.state)).success) {
    throw new PauseNotResumableError(
      `Cannot pause run "${runId}": agent "${state._currentAgent.name}" ends with the output of a tool ` +
        `(toolUseBehavior), and has called others beside the one that needs an approval. With a session and output ` +
        `guardrails the Agents SDK cannot go on from there. Do without one of these.`,
    );
  }
  return { envelope, interruptions: interruptionsOf(state) };
}

/** Results that are held back from the session until guardrails have seen the output: the SDK does not load them. */
const heldBackSchema = z.object({ currentTurnExecutedWithSessionBinding: z.literal(true) });

/**
 * Records what a run is paused with.
 *
 * @param transaction The transaction in which the run's segment was ended.
 */
export async function writePause(
  transaction: Queryable,
  { runId }: RunOwner,
  { envelope: { state, ...envelope }, interruptions }: Pause,
): Promise<void> {
  await transaction.query(
    `with run as (
       update timestep.runs set state_version = state_version + 1 where run_id = $1
       returning state_version, segment
     )
     select timestep.write_run_state($1, state_version, segment, $2, $3, $4) from run`,
    [runId, JSON.stringify(envelope), state, JSON.stringify(interruptions)],
  );
  await transaction.query(GO_ON_IF_DECIDED, [runId]);
}

/** A fork comes to the pauses of the run that it repeats, where everything was decided before: nobody is asked again. */
const GO_ON_IF_DECIDED = `
with decided as (
  update timestep.runs r set status = 'queued', segment = segment + 1, language = null, updated_at = now()
  where run_id = $1 and (
    select bool_and(i.status <> 'pending') from timestep.interruptions i
    where i.run_id = r.run_id and i.segment = r.segment
  )
  returning run_id, run_id || ':r' || segment as workflow_id
), claimed as (
  update timestep.run_states s set claimed_at = now(), claimed_by = d.workflow_id
  from decided d where s.run_id = d.run_id
)
select timestep.enqueue_run(run_id, workflow_id) from decided`;

const decisionSchema = z.object({
  interruptionId: z.string(),
  segment: z.number().int(),
  agentName: z.string(),
  callId: z.string().nullable(),
  status: z.enum(["pending", "approved", "rejected"]),
  always: z.boolean(),
  message: z.string().nullable(),
});

type RecordedDecision = z.infer<typeof decisionSchema>;

/**
 * The state with which a segment begins: as the one before was paused, with the decisions made.
 *
 * @throws {RunStateGraphError} When the agent lacks what the run has used.
 * @throws {RunStateMalformedError} When the snapshot is damaged.
 * @throws {AgentNotRegisteredError} When Python saved the snapshot and it cannot be carried over: Python goes on.
 */
export async function resumePause(
  execution: Execution,
  agent: AnyAgent,
): Promise<PausedState> {
  const { database } = execution;
  const { runId, segment } = execution.owner;
  const [row] = await database.query(
    `select s.language, s.sdk_name, s.sdk_version, s.schema_version, s.agent_graph, s.guardrails_settled,
       s.state::text as state
     from timestep.run_states s join timestep.runs r on r.run_id = s.run_id and r.state_version = s.version
     where r.run_id = $1`,
    [runId],
  );
  if (!row) {
    throw new RunNotFoundError(`Cannot go on with run "${runId}": the snapshot of its pause is gone.`);
  }
  const envelope = envelopeSchema.parse(row);
  execution.pausedCalls = pausedCalls(envelope.state);
  const state: PausedState = await unseal(agent, envelope)
    .catch((error) => leaveToPython(execution, agent, error));
  execution.pausedCalls = new Set();
  const rows = await database.query(
    `select interruption_id as "interruptionId", segment, agent_name as "agentName", call_id as "callId", status, always,
       message
     from timestep.interruptions where run_id = $1`,
    [runId],
  );
  const decisions = rows.map((row) => decisionSchema.parse(row));
  for (const { agentName, callId, always, ...decision } of decisions) {
    const isOfOneCall = decision.status === "approved" && !always && callId !== null;
    if (isOfOneCall) execution.approve(agentName, callId, decision.segment < segment - 1);
  }
  decide(state, decisions.filter((decision) => decision.segment === segment - 1));
  return state;
}

/** Leaves this part of a run, of which nothing was done yet, to the language that can load its snapshot. */
async function leaveToPython(execution: Execution, agent: AnyAgent, error: unknown): Promise<never> {
  if (!(error instanceof StateTranslationError)) throw error;
  const { database, owner } = execution;
  await database.query(
    `update timestep.runs set language = 'python', updated_at = now()
     where run_id = $1 and epoch = $2::int and status = 'running'`,
    [owner.runId, owner.epoch],
  );
  const left = new AgentNotRegisteredError(owner.runId, agent.name, "Python", { cause: error });
  execution.fail(left);
  throw left;
}

/** Where the SDK's snapshot has what the model has called in the response that the run was paused with. */
const snapshotSchema = z.object({
  lastProcessedResponse: z.object({
    functions: z.array(z.object({ toolCall: z.object({ name: z.string() }) })),
    handoffs: z.array(z.object({ toolCall: z.object({ name: z.string() }) })),
  }),
});

/** What was enabled when the model called it: a person's approval of it counts, whatever is enabled now. */
function pausedCalls(snapshot: string): ReadonlySet<string> {
  const { data } = snapshotSchema.safeParse(JSON.parse(snapshot));
  if (!data) return new Set();
  const { functions, handoffs } = data.lastProcessedResponse;
  return new Set([...functions, ...handoffs].map(({ toolCall }) => toolCall.name));
}

function decide(state: PausedState, decisions: RecordedDecision[]): void {
  const byId = new Map(decisions.map((decision) => [decision.interruptionId, decision]));
  const facts = interruptionsOf(state);
  for (const [index, item] of state.getInterruptions().entries()) {
    const decision = byId.get(facts[index]?.interruptionId ?? "");
    if (decision?.status === "approved") state.approve(item, { alwaysApprove: decision.always });
    else if (decision?.status === "rejected") {
      const { always, message } = decision;
      state.reject(item, { alwaysReject: always, ...(message === null ? {} : { message }) });
    }
  }
}
