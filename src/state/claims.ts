import process from "node:process";
import type { AnyRunState } from "./envelope.ts";
import { RunStateConflictError } from "./errors.ts";
import { interruptionsOf } from "./run_facts.ts";
import type { SavedRun, Snapshots } from "./snapshots.ts";

/** Which saved run a state came from, and whether its holder has begun to resume it. */
export interface Origin {
  readonly snapshots: Snapshots;
  run: SavedRun;
  /** Whether this state was the one to take the right to resume. */
  taken: boolean;
}

const origins = new WeakMap<object, Origin>();

/** Remembers which saved run a state came from, for as long as the state lives. */
export function rememberOrigin(state: AnyRunState, origin: Origin): void {
  origins.set(state, origin);
}

/** The saved run that a state came from, if it came from one. */
export function originOf(state: AnyRunState): Origin | undefined {
  return origins.get(state);
}

/**
 * Takes the right to resume the saved run that a state came from, so that one approval is one execution. The same
 * state can go on as often as it likes; one that came from nowhere needs no right.
 *
 * @throws {RunStateConflictError} When the run was resumed, saved or cleared since the state was loaded.
 */
export async function claimOrigin(state: AnyRunState): Promise<void> {
  const origin = originOf(state);
  if (!origin || origin.taken) return;
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

/** Notes that the run of a state which was claimed has ended, unless it waits again. */
export async function settleOrigin(state: AnyRunState): Promise<void> {
  const origin = originOf(state);
  if (!origin?.taken || state.getInterruptions().length > 0) return;
  await origin.snapshots.settle(origin.run);
}
