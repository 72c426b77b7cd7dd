import type { KnownCall } from "./recorded.ts";

/** What became of a call: one of the two is `null`. */
export interface CallResult {
  output: string | null;
  error: string | null;
}

/** A call that is over. */
export interface EndedCall {
  call: KnownCall;
  result: CallResult;
}

/** What the Agents SDK tells the model about a call that was rejected without a word. */
const REJECTED = "Tool execution was not approved.";

/**
 * The calls of a response: what was called, and what came of it. Results are held back until the model goes on: a
 * guardrail may still refuse what a tool gave.
 */
export class CalledTools {
  readonly #calls: Map<string, KnownCall>;
  readonly #results = new Map<string, CallResult & { name?: string }>();
  readonly #said = new Map<string, CallResult>();

  /** @param calls What was called, but not yet done, when the response began. */
  constructor(calls: readonly KnownCall[]) {
    this.#calls = new Map(calls.map((call) => [call.callId, call]));
    for (const { callId, rejection } of calls) {
      if (rejection !== null) this.#results.set(callId, { output: null, error: rejection || REJECTED });
    }
  }

  /** Adds what the model has called. */
  call(calls: readonly KnownCall[]): void {
    for (const call of calls) this.#calls.set(call.callId, call);
  }

  /** Puts what concerns calls into the order in which the model made them; those of other agents come last. */
  inOrder<T extends { callId: string }>(ofCalls: readonly T[]): T[] {
    const places = new Map([...this.#calls.keys()].map((callId, place) => [callId, place]));
    const placeOf = ({ callId }: T) => places.get(callId) ?? places.size;
    return ofCalls.toSorted((one, other) => placeOf(one) - placeOf(other));
  }

  /** Adds what a tool gave. */
  finish(callId: string, name: string, result: CallResult): void {
    this.#results.set(callId, { ...result, name });
  }

  /** Adds what an agent said that was called as a tool. It has no step of its own: what it said last is its result. */
  say(callId: string, text: string): void {
    this.#said.set(callId, { output: text, error: null });
  }

  /**
   * Adds what a tool's guardrail told the model in place of a result.
   *
   * @param place `tool_input:<call>:<guardrail>`, or `tool_output:...`.
   */
  refuse(place: string, message: string): void {
    const callId = [...this.#calls.keys()].find((id) =>
      /^tool_(in|out)put:/.test(place) && startsWith(place, id)
    );
    if (callId !== undefined) this.#results.set(callId, { output: null, error: message });
  }

  /**
   * Takes the calls that are over.
   *
   * @param goesOn Whether the model goes on: then agents that were called as tools have said their last.
   */
  take(goesOn: boolean): EndedCall[] {
    if (goesOn) {
      for (const [callId, result] of this.#said) this.#results.set(callId, result);
      this.#said.clear();
    }
    const ended = [...this.#results].flatMap(([callId, { name, ...result }]) => {
      const known = this.#calls.get(callId);
      this.#calls.delete(callId);
      const call = known && name !== undefined ? { ...known, name } : known;
      // The caller has told us: there is no need to tell the caller.
      if (call) return call.isCallers ? [] : [{ call, result }];
      if (name === undefined) return [];
      const unknown = { arguments: "{}", isCallers: false, approvalId: null, rejection: null };
      return [{ call: { callId, name, ...unknown }, result }];
    });
    this.#results.clear();
    return ended;
  }
}

function startsWith(place: string, callId: string): boolean {
  return place.startsWith(`${callId}:`, place.indexOf(":") + 1);
}
