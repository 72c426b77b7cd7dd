import { type AgentInputItem, RunState, StreamedRunResult } from "@openai/agents";
import type { AnyAgent } from "../../agents/any_agent.ts";

/**
 * A text as the input of a run of which nothing goes into a session.
 *
 * For the session's sake the SDK finds out before each model call which items of the conversation were the run's input,
 * by comparing all items with each other: with 300 turns 40 % of the time that it takes. It does so when there is no
 * session, too, unless the input is neither a text nor a list. This is such an input: it gives the item that the SDK
 * makes of a text, and the copy that the SDK puts into the run's state is the text itself.
 *
 * What the SDK would have found is always that one item; {@linkcode settle} puts it where the SDK keeps it.
 */
export class UntrackedInput {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** What is copied into the run's state. */
  inState(): string {
    return this.#text;
  }

  *[Symbol.iterator](): Generator<AgentInputItem> {
    yield toMessage(this.#text);
  }

  /** Waits as for the run itself, and sees to it that its state then is what it would have been. */
  async settle<TResult>(running: Promise<TResult>): Promise<TResult> {
    try {
      const result = await running;
      const state = stateOf(result);
      this.#restore(state);
      if (result instanceof StreamedRunResult) {
        const restore = () => this.#restore(state);
        result.completed.then(restore, restore);
      }
      return result;
    } catch (error) {
      this.#restore(stateOf(error));
      throw error;
    }
  }

  #restore(state: RunState<unknown, AnyAgent> | undefined): void {
    // None are noted before the first model call; it, and no other place without a session, notes that there are none.
    if (state?._currentTurnSessionHistoryTransactionInputItems?.length !== 0) return;
    state._currentTurnSessionHistoryTransactionInputItems = [toMessage(this.#text)];
  }
}

/** The item that the SDK makes of a text. */
function toMessage(content: string): AgentInputItem {
  return { type: "message", role: "user", content };
}

/** The state that a result of a run has, and an error if the SDK made it. */
function stateOf(value: unknown): RunState<unknown, AnyAgent> | undefined {
  const state = typeof value === "object" && value !== null && "state" in value ? value.state : undefined;
  return state instanceof RunState ? state : undefined;
}
