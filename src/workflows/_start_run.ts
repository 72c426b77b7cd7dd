import type { Parameter, Queryable } from "../database/database.ts";
import { assertSameRun, type NewRun, runParameters } from "../durable/create_run.ts";
import { assertStorableName } from "../database/storable_name.ts";
import { registerAgent } from "../durable/registry.ts";
import type { AnyAgent } from "../run/types.ts";
import type { Dispatch } from "./_dispatch.ts";
import { referenceSession } from "./_session.ts";
import type { AgentWorkflowOptions } from "./agent_workflow_options.ts";

/** A run, ready to be recorded. */
export interface PreparedRun {
  readonly agent: AnyAgent;
  readonly run: Omit<NewRun, "runId">;
  readonly sessionKind: Dispatch["sessionKind"];
  readonly timeoutSeconds: number | undefined;
}

/** The most seconds that a timer can run for: 24 days. */
const MAX_TIMEOUT_SECONDS = 2_147_483;

/** Checks what a run is made of, and registers its agent. */
export async function prepareRun(options: AgentWorkflowOptions): Promise<PreparedRun> {
  const { agent, inputItems, stream, timeoutSeconds, context, maxTurns, ownerId } = options;
  if (
    timeoutSeconds !== undefined &&
    !(isNumber(timeoutSeconds) && timeoutSeconds > 0 && timeoutSeconds <= MAX_TIMEOUT_SECONDS)
  ) {
    throw new RangeError(
      `Cannot start a run: timeoutSeconds is ${timeoutSeconds}, but has to be a number, more than 0 and at most ` +
        `${MAX_TIMEOUT_SECONDS}.`,
    );
  }
  if (typeof inputItems !== "string" && !Array.isArray(inputItems)) {
    throw new TypeError(
      `Cannot start a run: inputItems is ${
        inputItems === null ? null : typeof inputItems
      }, but has to be a text or an array of items.`,
    );
  }
  const odd = typeof inputItems === "string" ? -1 : inputItems.findIndex((item) => !isObject(item));
  if (odd >= 0) {
    throw new TypeError(
      `Cannot start a run: inputItems[${odd}] is ${
        String(inputItems[odd])
      }, but has to be an item, such as ` +
        '{ role: "user", content: "..." }.',
    );
  }
  if (ownerId !== undefined) assertStorableName("ownerId", ownerId);
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

/** An executor that is to have a run at once, and by which token it knows its own. */
export interface Claimant {
  readonly executorId: string;
  readonly ownerToken: string;
  readonly applicationVersion: string;
}

/**
 * Records a run together with the workflow that dispatches it, in one statement: there is never one without the other.
 *
 * @param claimant Who is to execute it; only in the queue without limits. Default: whoever is free.
 * @returns What it is then; `known` when there was one of this id, which keeps the workflow it has.
 * @throws {RunConflictError} When that one has another agent, input, session or options.
 */
export async function startRun(
  queryable: Queryable,
  runId: string,
  prepared: PreparedRun,
  dispatch: Omit<Dispatch, "sessionKind" | "timeoutSeconds">,
  { delaySeconds, claimant }: { delaySeconds?: number | undefined; claimant?: Claimant | undefined } = {},
): Promise<"queued" | "claimed" | "known"> {
  const [row] = await queryable.query(START_RUN, [
    ...startParameters(runId, prepared, dispatch),
    delaySeconds ?? null,
    ...claimParameters(claimant),
  ]);
  const state = row?.["state"];
  if (state === "queued" || state === "claimed") return state;
  await assertSameRun(queryable, { ...prepared.run, runId });
  return "known";
}

const START_RUN =
  "select timestep.start_run($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::float8, $11, $12, $13) as state";

/** A run and its dispatch, as `timestep.start_run()` and `timestep.start_response()` take them. */
export function startParameters(
  runId: string,
  { run, sessionKind, timeoutSeconds }: PreparedRun,
  dispatch: Omit<Dispatch, "sessionKind" | "timeoutSeconds">,
): Parameter[] {
  const recorded: Dispatch = {
    ...dispatch,
    ...(sessionKind ? { sessionKind } : {}),
    ...(timeoutSeconds !== undefined ? { timeoutSeconds } : {}),
  };
  return [...runParameters({ ...run, runId }), JSON.stringify(recorded)];
}

/** Callers without types come here, too. */
function isNumber(value: unknown): boolean {
  return typeof value === "number";
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

/** Who is to execute a run, as the same take it. */
export function claimParameters(claimant: Claimant | undefined): Parameter[] {
  return claimant
    ? [claimant.executorId, claimant.ownerToken, claimant.applicationVersion]
    : [null, null, null];
}
