import { AsyncLocalStorage } from "node:async_hooks";
import type { Execution } from "./execution.ts";
import { ScopeContext } from "./scope_context.ts";
import type { ContextHolder } from "./context_tracker.ts";
import type { ToolStep } from "./tool_call.ts";

/**
 * One run of the SDK's loop inside a durable run: the run itself, or an agent used as a tool. It names the steps:
 * a step's key says where it is, never when it came, so that parallel calls may end in any order.
 */
export class Scope {
  readonly execution: Execution;
  /** Begins every key of this scope: `<segment>.`, or `<key of the agent tool's call>/`. */
  readonly prefix: string;
  /** The agent to which whoever began the run may offer functions; none in the runs of agents used as tools. */
  callersAgent: string | undefined;
  /** How many model calls this scope has completed. */
  turn = 0;
  /** How many items of the last request were already part of a fingerprint. */
  sentItems = 0;
  /** How many attempts of the model call under way have failed. */
  failedAttempts = 0;
  /** The agent whose turn it is. */
  agentName: string | undefined;
  /** The run context that its steps share; an agent used as a tool has its caller's, or one of its own. */
  context: ScopeContext | undefined;
  #runs = 0;
  #occurrences = new Map<string, number>();

  constructor(execution: Execution, prefix: string, context?: ScopeContext) {
    this.execution = execution;
    this.prefix = prefix;
    this.context = context;
  }

  /** The scope of a run of the SDK's loop that begins here, with this context: this one, unless it is taken. */
  enter(holder: ContextHolder | undefined): Scope {
    this.#runs++;
    const prefix = `${this.prefix}#${this.#runs}/`;
    const scope = this.#runs === 1 ? this : new Scope(this.execution, prefix, this.context);
    if (holder && !scope.context?.isOf(holder)) {
      scope.context = new ScopeContext(scope.prefix, holder, this.execution.patchesOf(scope.prefix));
    }
    return scope;
  }

  /**
   * What has changed in the context since the last step that was recorded, as JSON text, if anything. Stops the
   * execution when it cannot be recorded.
   */
  patchContext(holder: ContextHolder | undefined): string | undefined {
    if (!holder || !this.context) return undefined;
    try {
      return this.context.patch(holder);
    } catch (error) {
      this.execution.fail(error);
      throw error;
    }
  }

  /** `key`, with a number from the second time on that it is asked for. */
  unique(key: string): string {
    const occurrence = (this.#occurrences.get(key) ?? 0) + 1;
    this.#occurrences.set(key, occurrence);
    return occurrence === 1 ? key : `${key}#${occurrence}`;
  }
}

/** Where the code that is running now is. */
export interface Frame {
  readonly scope: Scope;
  /** Whether it is inside a step: then nothing in it is a step of its own. */
  readonly inStep: boolean;
  /** The tool call that it is inside of. */
  readonly toolStep?: ToolStep;
}

const frames = new AsyncLocalStorage<Frame>();

/** The scope whose steps are to be recorded; nothing outside of a durable run and inside of a step. */
export function recordingScope(): Scope | undefined {
  const frame = frames.getStore();
  return frame && !frame.inStep ? frame.scope : undefined;
}

/** Where the code that is running now is; nothing outside of a durable run. */
export function currentFrame(): Frame | undefined {
  return frames.getStore();
}

/** Runs `body` inside of `scope`. */
export function runInScope<T>(scope: Scope, body: () => T): T {
  return frames.run({ scope, inStep: false }, body);
}

/** Runs `body` as a step: nothing in it is recorded by itself. */
export function runInStep<T>(scope: Scope, toolStep: ToolStep | undefined, body: () => T): T {
  return frames.run({ scope, inStep: true, ...(toolStep ? { toolStep } : {}) }, body);
}
