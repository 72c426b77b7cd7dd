import type { AgentInputItem } from "../core/package_types.ts";
import type { Parameter, Queryable } from "../database/database.ts";
import { assertStorableName } from "../database/storable_name.ts";
import type { AnyAgent } from "../agents/any_agent.ts";
import { agentDefinition } from "../agents/agent_definition.ts";
import type { CallerTool } from "./caller_tool.ts";
import { RunConflictError } from "./errors.ts";
import type { JsonValue } from "../core/json_value.ts";
import { serializeRunOptions } from "./run_options.ts";

/** A run to be recorded. */
export interface NewRun {
  /** Names the run, and makes its creation idempotent. Not empty, at most 1,000 bytes in UTF-8. */
  runId: string;
  /** The agent that starts. */
  agent: AnyAgent;
  /** A text, or items. */
  input: string | AgentInputItem[];
  /** The conversation that the run belongs to. */
  sessionId?: string;
  /** Whom the run belongs to: a user's id. Default: the service itself. */
  ownerId?: string;
  /** The run context that tools and guardrails share: JSON, as it has to outlive the process. */
  context?: JsonValue;
  /** Whether the model's answers are streamed into the run's events. @default {false} */
  stream?: boolean;
  /** How many times the model may be called; null: without limit. Default: the SDK's, 10. */
  maxTurns?: number | null;
  /** Functions that whoever begins the run offers to the agent, and calls. */
  callerTools?: CallerTool[];
  /** The run that this one repeats from somewhere on. */
  forkedFrom?: string;
}

/**
 * Records a run, to be executed by {@linkcode executeRun} in any process. The same run again changes nothing.
 *
 * @param queryable The database, or a transaction that also enqueues the run.
 * @returns Whether the run is new.
 * @throws {TypeError} When the id can't be stored.
 * @throws {RunConflictError} When a run of this id has another agent, input, session or options.
 */
export async function createRun(queryable: Queryable, run: NewRun): Promise<boolean> {
  const parameters = runParameters(run);
  const [created] = await queryable.query(
    `select from timestep.create_run($1, $2, $3, $4, $5, $6, $7, $8, $9) r where r.run_id is not null`,
    [...parameters, run.forkedFrom ?? null],
  );
  if (created) return true;
  await assertSameRun(queryable, run);
  return false;
}

/** A run as `timestep.create_run()` and the functions built on it take it, as their first eight parameters. */
export function runParameters(run: NewRun): Parameter[] {
  assertStorableName("runId", run.runId);
  const { fingerprint, definition } = agentDefinition(run.agent);
  return [
    run.runId,
    run.agent.name,
    fingerprint,
    JSON.stringify(definition),
    run.sessionId ?? null,
    run.ownerId ?? null,
    inputText(run.input),
    serializeRunOptions(run),
  ];
}

/**
 * What a run begins with, as it is recorded.
 *
 * @throws {TypeError} When JSON can't hold it.
 */
export function inputText(input: NewRun["input"]): string {
  try {
    return JSON.stringify(input);
  } catch (error) {
    throw new TypeError(
      `Cannot create a run: its input cannot be recorded, as JSON cannot hold it: ${
        error instanceof Error ? error.message : error
      }.`,
      { cause: error },
    );
  }
}

/**
 * Makes sure that a run that was known already is the same.
 *
 * @throws {RunConflictError} When it has another agent, input, session or options.
 */
export async function assertSameRun(queryable: Queryable, run: NewRun): Promise<void> {
  const [input, options] = [inputText(run.input), serializeRunOptions(run)];
  const [known] = await queryable.query(
    `select agent_name = $2 as agent, input::text = $3 as input, options::text = $4 as options,
       session_id is not distinct from $5 as session, owner_id is not distinct from $6 as owner
     from timestep.runs where run_id = $1`,
    [run.runId, run.agent.name, input, options, run.sessionId ?? null, run.ownerId ?? null],
  );
  const different = Object.entries(known ?? {}).filter(([, same]) => same !== true).map(([name]) => name);
  if (different.length > 0) {
    throw new RunConflictError(
      `Cannot create run "${run.runId}": there is a run of this id with another ${
        different.join(" and ")
      }. ` +
        `Use a new id for a new run.`,
    );
  }
}
