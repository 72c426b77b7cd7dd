import type { Queryable } from "../database/database.ts";
import { createRun } from "../durable/create_run.ts";
import { registerAgent } from "../durable/registry.ts";
import type { AnyAgent } from "../run/types.ts";
import type { Dispatch } from "./_dispatch.ts";
import { referenceSession } from "./_session.ts";
import type { AgentWorkflowOptions } from "./agent_workflow_options.ts";

/** A run, ready to be recorded. */
export interface PreparedRun {
  readonly agent: AnyAgent;
  readonly run: Omit<Parameters<typeof createRun>[1], "runId">;
  readonly sessionKind: Dispatch["sessionKind"];
  readonly timeoutSeconds: number | undefined;
}

/** The most seconds that a timer can run for: 24 days. */
const MAX_TIMEOUT_SECONDS = 2_147_483;

/** Checks what a run is made of, and registers its agent. */
export async function prepareRun(options: AgentWorkflowOptions): Promise<PreparedRun> {
  const { agent, inputItems, stream, timeoutSeconds, context, maxTurns, ownerId } = options;
  if (timeoutSeconds !== undefined && !(timeoutSeconds > 0 && timeoutSeconds <= MAX_TIMEOUT_SECONDS)) {
    throw new RangeError(
      `Cannot start a run: timeoutSeconds is ${timeoutSeconds}, but has to be more than 0 and at most ` +
        `${MAX_TIMEOUT_SECONDS}.`,
    );
  }
  registerAgent(agent);
  const session = await referenceSession(options.session);
  return {
    agent,
    run: {
      agent,
      input: inputItems,
      ...(session ? { sessionId: session.sessionId } : {}),
      ...(stream !== undefined ? { stream } : {}),
      ...(context !== undefined ? { context } : {}),
      ...(maxTurns !== undefined ? { maxTurns } : {}),
      ...(ownerId !== undefined ? { ownerId } : {}),
    },
    sessionKind: session?.sessionKind,
    timeoutSeconds,
  };
}

/**
 * Records a run together with the workflow that dispatches it.
 *
 * @param transaction So that there is never one without the other.
 * @returns Whether the run is new; an old one keeps the workflow it has.
 */
export async function startRun(
  transaction: Queryable,
  runId: string,
  { run, sessionKind, timeoutSeconds }: PreparedRun,
  dispatch: Omit<Dispatch, "sessionKind" | "timeoutSeconds">,
  delaySeconds?: number,
): Promise<boolean> {
  if (!(await createRun(transaction, { ...run, runId }))) return false;
  const recorded: Dispatch = {
    ...dispatch,
    ...(sessionKind ? { sessionKind } : {}),
    ...(timeoutSeconds !== undefined ? { timeoutSeconds } : {}),
  };
  await transaction.query("update timestep.runs set dispatch = $2::text::json where run_id = $1", [
    runId,
    JSON.stringify(recorded),
  ]);
  await transaction.query("select timestep.enqueue_run($1, $1, now() + make_interval(secs => $2))", [
    runId,
    delaySeconds ?? null,
  ]);
  return true;
}
