import { type RunItem, RunState } from "@openai/agents";
import { recordingScope } from "../scope.ts";

/** What is used of a `RunState` and left out of its types; the contract tests hold the SDK to it. */
interface CommittingState {
  _generatedItems: RunItem[];
  _commitToolInvocations(items: RunItem[]): void;
}

/**
 * After each turn the SDK looks among all items of the run for the call of each new result, and makes an error for
 * each item that it is not. In a durable run it is given only the items that have the result's call id.
 */
export function instrumentCommits(): void {
  const prototype = RunState.prototype as unknown as CommittingState; // It has them nevertheless.
  const { _commitToolInvocations: commit } = prototype;
  prototype._commitToolInvocations = function (items) {
    if (!recordingScope()) return commit.call(this, items);
    const generated = this._generatedItems;
    const calls = callsOf(this);
    calls.follow(generated);
    try {
      for (const item of items) {
        const callId = callIdOf(item);
        const candidates = [...calls.get(callId), ...items.filter((other) => callIdOf(other) === callId)];
        this._generatedItems = candidates.filter((other) => other !== item);
        commit.call(this, [item]);
      }
    } finally {
      this._generatedItems = generated;
    }
  };
}

/** The items of a run by their call id; those without one, as of hosted tools, together. */
class CallIndex {
  #items: RunItem[] = [];
  #byCallId = new Map<string | undefined, RunItem[]>();

  /** Takes up what has come since the last time: mostly a few items at the end. */
  follow(items: readonly RunItem[]): void {
    const isContinued = items.length >= this.#items.length &&
      this.#items.every((item, index) => item === items[index]);
    if (!isContinued) {
      this.#items = [];
      this.#byCallId.clear();
    }
    for (const item of items.slice(this.#items.length)) {
      this.#items.push(item);
      const callId = callIdOf(item);
      const alike = this.#byCallId.get(callId);
      if (alike) alike.push(item);
      else this.#byCallId.set(callId, [item]);
    }
  }

  get(callId: string | undefined): readonly RunItem[] {
    return this.#byCallId.get(callId) ?? [];
  }
}

const indexes = new WeakMap<CommittingState, CallIndex>();

function callsOf(state: CommittingState): CallIndex {
  let calls = indexes.get(state);
  if (!calls) indexes.set(state, calls = new CallIndex());
  return calls;
}

function callIdOf({ rawItem }: RunItem): string | undefined {
  const { callId } = rawItem as { callId?: unknown };
  return typeof callId === "string" ? callId : undefined;
}
