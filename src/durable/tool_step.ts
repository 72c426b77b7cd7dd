import { type RunContext, ToolTimeoutError } from "@openai/agents";
import { storableId } from "../core/storable_id.ts";
import type { Queryable } from "../database/database.ts";
import { DatabaseError } from "../database/database_error.ts";
import { OwnershipLostError } from "./errors.ts";
import type { JournalRow, RecordedStep } from "./journal_row.ts";
import { writeRow } from "./journal_writer.ts";
import { decodeValue, encodeValue } from "./recorded_value.ts";
import { runInStep, type Scope } from "./scope.ts";
import type { ToolCall, ToolStep } from "./tool_call.ts";
import { UnknownOutcome } from "./unknown_outcome.ts";
import { withoutSecrets } from "./without_secrets.ts";

/** A function tool's call, as the SDK makes it. */
export interface ToolInvocation {
  toolName: string;
  callId: string;
  runContext: RunContext<unknown>;
  signal: AbortSignal | undefined;
}

/**
 * Calls a function tool, or gives what was recorded of the call.
 *
 * The result is not waited to be committed: what can follow from it is another model call, which is recorded after
 * it. If the process dies in between, the call was in flight.
 *
 * @param body Calls the tool itself.
 */
export async function runToolStep(
  scope: Scope,
  invocation: ToolInvocation,
  body: () => Promise<unknown>,
): Promise<unknown> {
  const callId = storableId(invocation.callId);
  const key = scope.unique(`tool:${scope.prefix}${scope.turn}:${callId}`);
  scope.execution.useApproval(scope.agentName, callId, key);
  const recorded = scope.execution.take(key);
  if (recorded) return await replay(scope, invocation, recorded);
  await scope.execution.assertOwned();
  return await new LiveToolCall(scope, invocation, key).run(body);
}

async function replay(scope: Scope, invocation: ToolInvocation, recorded: RecordedStep): Promise<unknown> {
  const { execution, context } = scope;
  if (recorded.name !== invocation.toolName) {
    throw execution.diverged(
      `call "${recorded.key}" is now of tool "${invocation.toolName}", and was of "${recorded.name}"`,
    );
  }
  if (recorded.status === "started") {
    const error = new UnknownOutcome(recorded.key);
    execution.fail(error);
    throw error;
  }
  context?.restore(invocation.runContext, recorded);
  if (recorded.status === "completed") return decodeValue(recorded.output);
  const failure = decodeFailure(recorded.output);
  if (failure) throw failure;
  return await untilTimeout(invocation.signal);
}

/** A call that the SDK gave up on is given up on again: after the same time, as nobody else can say "timed out". */
function untilTimeout(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (!signal || signal.aborted) reject(signal?.reason);
    else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/** A call while it is made. */
class LiveToolCall implements ToolStep {
  readonly call: ToolCall;
  readonly #scope: Scope;
  readonly #invocation: ToolInvocation;
  readonly #key: string;
  #recorded = false;

  constructor(scope: Scope, invocation: ToolInvocation, key: string) {
    this.#scope = scope;
    this.#invocation = invocation;
    this.#key = key;
    const { runId } = scope.execution.owner;
    const { callId } = invocation;
    this.call = { runId, callId, idempotencyKey: `${runId}:${key.slice("tool:".length)}` };
  }

  async run(body: () => Promise<unknown>): Promise<unknown> {
    const { signal } = this.#invocation;
    signal?.addEventListener("abort", this.#onAbort, { once: true });
    try {
      const output = await runInStep(this.#scope, this, body);
      this.#record({ status: "completed", output: encodeValue(output) });
      return output;
    } catch (error) {
      // A call that was told to stop has no result; neither has one whose execution has failed.
      if (!signal?.aborted && !this.#scope.execution.failure) {
        this.#record({ status: "failed", output: encodeFailure(error) });
      }
      throw error;
    } finally {
      signal?.removeEventListener("abort", this.#onAbort);
    }
  }

  async begin(): Promise<void> {
    await this.#scope.execution.record({ ...this.#row, status: "started" });
  }

  async inTransaction<T>(body: (transaction: Queryable) => Promise<T>): Promise<T> {
    const { execution } = this.#scope;
    try {
      const output = await execution.database.transaction(async (transaction) => {
        const output = await body(transaction);
        const row = { ...this.#row, status: "completed" as const, output: encodeValue(output) };
        await writeRow(transaction, execution.owner, { ...row, contextPatch: this.#contextPatch() });
        return output;
      });
      this.#recorded = true;
      execution.writer.publish(this.#key);
      return output;
    } catch (error) {
      // Not the tool's error, and perhaps it was committed: only executing the run again tells.
      if (error instanceof OwnershipLostError || error instanceof DatabaseError) execution.fail(error);
      throw error;
    }
  }

  get #row(): Pick<JournalRow, "key" | "kind" | "name" | "attempt"> {
    return { key: this.#key, kind: "tool", name: this.#invocation.toolName, attempt: 1 };
  }

  #record(result: Pick<JournalRow, "status" | "output">): void {
    if (this.#recorded) return;
    this.#recorded = true;
    this.#scope.execution.record({ ...this.#row, ...result, contextPatch: this.#contextPatch() });
  }

  #contextPatch(): string | undefined {
    return this.#scope.patchContext(this.#invocation.runContext);
  }

  /** The SDK gives up on a call by aborting it: from then on its result is "timed out", whatever it still does. */
  #onAbort = (): void => {
    const { signal } = this.#invocation;
    if (!(signal?.reason instanceof ToolTimeoutError)) return;
    try {
      this.#record({ status: "failed", output: TIMED_OUT });
    } catch {
      // The execution has failed with it, and ends with it.
    }
  };
}

const TIMED_OUT = JSON.stringify({ timedOut: true });

function encodeFailure(error: unknown): string {
  const { name, message } = error instanceof Error ? error : { name: "Error", message: String(error) };
  return JSON.stringify({ name, message: withoutSecrets(message) });
}

/** The error that was recorded, without its class; nothing when the call had timed out. */
function decodeFailure(output: unknown): Error | undefined {
  const { name, message } = output as { name?: string; message?: string };
  return message === undefined ? undefined : Object.assign(new Error(message), { name: name ?? "Error" });
}
