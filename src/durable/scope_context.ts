import { z } from "zod";
import { type ContextHolder, type ContextPatch, ContextTracker } from "./context_tracker.ts";
import type { RecordedStep } from "./journal_row.ts";

/** How changes are recorded with the step that made them; `context` says of which context they are. */
const recordedPatchSchema = z.object({ context: z.string(), changes: z.array(z.unknown()) });

/** Which context a recorded patch is of. */
export function contextIdOf(contextPatch: unknown): string {
  return recordedPatchSchema.parse(contextPatch).context;
}

/** The context that the steps of a scope share: what they change in it is recorded, and restored on replay. */
export class ScopeContext {
  readonly #id: string;
  readonly #tracker: ContextTracker;
  readonly #patches: RecordedStep[];
  #object: unknown;

  /**
   * @param id Names the context within its run.
   * @param holder Has the context as it is at the beginning.
   * @param patches The steps recorded with changes of it, in order.
   */
  constructor(id: string, holder: ContextHolder, patches: RecordedStep[]) {
    this.#id = id;
    this.#tracker = new ContextTracker(holder);
    this.#patches = patches;
    this.#object = holder.context;
  }

  /** Whether this is the context that `holder` has. */
  isOf(holder: ContextHolder): boolean {
    return this.#object === holder.context;
  }

  /**
   * What has changed since the last step that was recorded, as JSON text, if anything.
   *
   * @throws {ContextNotSerializableError} When the context holds what JSON cannot.
   */
  patch(holder: ContextHolder): string | undefined {
    const changes = this.#tracker.changes(holder);
    this.#object = holder.context;
    return changes && JSON.stringify({ context: this.#id, changes });
  }

  /**
   * Changes the context as it was changed when `step` was recorded. Steps that ran at the same time were recorded
   * in some order; whichever is replayed first, the changes are made in that order.
   */
  restore(holder: ContextHolder, step: RecordedStep): void {
    const place = step.position ?? Infinity;
    while (this.#patches[0] && (this.#patches[0].position ?? Infinity) <= place) {
      const { contextPatch } = this.#patches.shift() as RecordedStep;
      // The changes are what ContextTracker.changes() gave.
      this.#tracker.apply(holder, recordedPatchSchema.parse(contextPatch).changes as ContextPatch);
    }
    this.#object = holder.context;
  }
}
