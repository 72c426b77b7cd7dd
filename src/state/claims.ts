import process from "node:process";
import type { AnyAgent } from "../agents/any_agent.ts";
import type { AnyRunState } from "./envelope.ts";
import { RunStateConflictError } from "./errors.ts";
import { finalOutputOf, interruptionsOf, numberCalls, type NumberedCall, usageOf } from "./run_facts.ts";
import type { SavedRun, Snapshots } from "./snapshots.ts";

/** Which saved run a state came from, and whether its holder has begun to resume it. */
export interface Origin {
  readonly snapshots: Snapshots;
  /** The agent that the run started with. */
  readonly agent: AnyAgent;
  run: SavedRun;
  /** What the run waited for when it was saved or loaded: decided since, it is not in the state any more. */
  interruptions: readonly NumberedCall[];
  /** Whether this state was the one to take the right to resume. */
  taken: boolean;
  /** Whether it is being resumed right now. */
  isResuming: boolean;
}

const origins = new WeakMap<object, Origin>();

/** Runs that have ended, while that is being noted. */
const settling = new Set<Promise<unknown>>();

/** Remembers which saved run a state came from, for as long as the state lives. */
export function rememberOrigin(
  state: AnyRunState,
  origin: Pick<Origin, "snapshots" | "agent" | "run">,
): void {
  const interruptions = numberCalls(state);
  origins.set(state, { ...origin, interruptions, taken: false, isResuming: false });
}

/** The saved run that a state came from, if it came from one. */
export function originOf(state: AnyRunState): Origin | undefined {
  return origins.get(state);
}

/**
 * Takes the right to resume the saved run that a state came from, so that one approval is one execution. The same
 * state can go on as often as it likes, one time after the other; one that came from nowhere needs no right.
 *
 * @throws {RunStateConflictError} When the run was resumed, saved or cleared since the state was loaded, or is being
 * resumed with this very state.
 */
export async function claimOrigin(state: AnyRunState): Promise<void> {
  const origin = originOf(state);
  if (!origin) return;
  if (origin.isResuming) {
    throw new RunStateConflictError(
      `Cannot resume the run ${origin.snapshots.place}: it is being resumed with the same state. Wait for its end.`,
    );
  }
  origin.isResuming = true;
  if (origin.taken) return;
  try {
    await take(state, origin);
  } catch (error) {
    origin.isResuming = false;
    throw error;
  }
}

async function take(state: AnyRunState, origin: Origin): Promise<void> {
  const claim = `${process.pid}:${crypto.randomUUID()}`;
  if (!await origin.snapshots.claim(origin.run, claim, interruptionsOf(state))) {
    throw new RunStateConflictError(
      `Cannot resume the run ${origin.snapshots.place}: it was resumed, saved again or cleared since it was loaded. ` +
        "Load it again to see where it is.",
    );
  }
  origin.run = { ...origin.run, claim };
  origin.taken = true;
}

/** Notes that resuming a state has failed: it can be tried again with the same state. */
export function releaseOrigin(state: AnyRunState): void {
  const origin = originOf(state);
  if (origin) origin.isResuming = false;
}

/**
 * Notes that the run of a state which was claimed has ended, unless it waits again, or was left before its end: who
 * leaves the loop over a stream cancels the run, which is not over then.
 *
 * @throws {RunStateConflictError} When somebody else took the run over meanwhile.
 */
export async function settleOrigin(state: AnyRunState): Promise<void> {
  releaseOrigin(state);
  const origin = originOf(state);
  if (!origin?.taken || state._currentStep?.type !== "next_step_final_output") return;
  const end = { finalOutput: finalOutputOf(state), usage: usageOf(origin.agent, state) };
  const settled = origin.snapshots.settle(origin.run, end);
  settling.add(settled);
  try {
    if (await settled) return;
  } finally {
    settling.delete(settled);
  }
  throw new RunStateConflictError(
    `Cannot note that the run ${origin.snapshots.place} has ended: somebody else has taken it over or cleared it. ` +
      "What it did may have been done twice.",
  );
}

/** Waits until runs that have ended are noted as such: a stream's end is noted while its reader goes on. */
export async function settlementsUnderWay(): Promise<void> {
  await Promise.allSettled(settling);
}
