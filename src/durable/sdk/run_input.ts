import { type AgentInputItem, type Runner, StreamedRunResult } from "@openai/agents";
import type { Scope } from "../scope.ts";
import { isAccelerated } from "./accelerate.ts";
import { KeptCopies } from "./kept_copies.ts";
import { OwnedInput, ownedInputCallback } from "./owned_input.ts";
import { UntrackedInput } from "./untracked_input.ts";

/** What decides in which way the SDK may be told which items of a conversation are a run's own. */
export interface InputOptions {
  session?: unknown;
  sessionInputCallback?: unknown;
  callModelInputFilter?: unknown;
  sandbox?: unknown;
  conversationId?: unknown;
  previousResponseId?: unknown;
}

/**
 * Begins a run with its input in the form that costs least: the SDK need not search all items for the run's own
 * before each model call, and copies of items are kept. What comes of the run is the same.
 *
 * @param run Begins it with this input and these options.
 */
export function runWithInput<TOptions extends InputOptions, TResult>(
  runner: Runner,
  scope: Scope,
  input: unknown,
  options: TOptions,
  run: (input: unknown, options: TOptions) => Promise<TResult>,
): Promise<TResult> {
  if (!isAccelerated() || (options.callModelInputFilter ?? runner.config.callModelInputFilter)) {
    return run(input, options);
  }
  const own = isOwn(runner, options) ? copyInput(input) : undefined;
  const owned = new Set<object>();
  const kept = new KeptCopies((item) => own === undefined || owned.has(item));
  kept.attach(scope);
  const running = begin(own, owned, input, options, run);
  const completed = running.then((result) =>
    result instanceof StreamedRunResult ? result.completed : undefined
  );
  const clear = () => kept.clear();
  completed.then(clear, clear);
  return running;
}

function begin<TOptions extends InputOptions, TResult>(
  own: string | AgentInputItem[] | undefined,
  owned: Set<object>,
  input: unknown,
  options: TOptions,
  run: (input: unknown, options: TOptions) => Promise<TResult>,
): Promise<TResult> {
  if (own === undefined) return run(input, options);
  if (options.session) return run(own, { ...options, sessionInputCallback: ownedInputCallback(owned) });
  if (typeof own === "string") {
    const untracked = new UntrackedInput(own);
    return untracked.settle(run(untracked, options));
  }
  for (const item of own) owned.add(item);
  return run(new OwnedInput(own, owned), options);
}

/** Whether nothing but the SDK itself decides which items the model and the session get. */
function isOwn(runner: Runner, options: InputOptions): boolean {
  const { sandbox = runner.config.sandbox, sessionInputCallback = runner.config.sessionInputCallback } =
    options;
  return !sandbox && !(options.session && sessionInputCallback) && !options.conversationId &&
    !options.previousResponseId;
}

/** A copy of a run's input; nothing of another one, and of what cannot be copied. */
function copyInput(input: unknown): string | AgentInputItem[] | undefined {
  if (typeof input === "string") return input;
  if (!Array.isArray(input)) return undefined;
  try {
    return Array.from(input, (item) => structuredClone(item));
  } catch {
    return undefined; // The SDK says so.
  }
}
