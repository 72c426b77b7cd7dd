import type { AgentInputItem, SessionInputCallback } from "@openai/agents";

/**
 * Items as the input of a run: some, or all, are the run's own, which belong into its session.
 *
 * Before each model call the SDK finds out which items of the conversation are the run's own, by comparing all items
 * with each other; unless its input is neither a text nor a list. Then it goes by which objects they are. This is such
 * an input: the run's own items are the same objects in the run's state.
 */
export class OwnedInput {
  readonly #items: readonly AgentInputItem[];
  readonly #owned: ReadonlySet<object>;

  /** @param owned Those of the items that are the run's own. Nobody else has them, as they are not copied. */
  constructor(items: readonly AgentInputItem[], owned: ReadonlySet<object>) {
    this.#items = items;
    this.#owned = owned;
  }

  /** What is copied into the run's state. */
  inState(): AgentInputItem[] {
    return this.#items.map((item) => this.#owned.has(item) ? item : structuredClone(item));
  }

  /** The run's own items. */
  *[Symbol.iterator](): Generator<AgentInputItem> {
    for (const item of this.#items) if (this.#owned.has(item)) yield item;
  }
}

/**
 * Puts the history of a session before the run's own items, as the SDK does without a callback, and makes an
 * {@linkcode OwnedInput} of what the SDK then prepares of it.
 *
 * @param owned Is given the run's own items. Nobody else has them.
 */
export function ownedInputCallback(owned: Set<object>): SessionInputCallback {
  return (history, added) => {
    for (const item of added) owned.add(item);
    return toBePrepared([...history, ...added], owned);
  };
}

/** The SDK prepares such a list with these methods: it changes items of the history, and leaves out calls without results. */
function toBePrepared(items: AgentInputItem[], owned: ReadonlySet<object>): AgentInputItem[] {
  const { map, filter } = items;
  return Object.defineProperties(items, {
    map: {
      value: (prepare: (item: AgentInputItem, index: number) => AgentInputItem) =>
        toBePrepared(map.call(items, prepare) as AgentInputItem[], owned),
    },
    filter: {
      value: (isKept: (item: AgentInputItem, index: number) => boolean) =>
        new OwnedInput(filter.call(items, isKept) as AgentInputItem[], owned),
    },
  });
}
