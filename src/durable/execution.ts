import type { Usage } from "@openai/agents";
import type { AnyFunctionTool } from "../agents/any_agent.ts";
import { countUsage, type ModelUsage, noUsage } from "../agents/model_usage.ts";
import type { Database } from "../database/database.ts";
import { toFunctionTool } from "./caller_function_tool.ts";
import type { CallerTool } from "./caller_tool.ts";
import { contextIdOf } from "./scope_context.ts";
import { ApprovalReusedError, RunDivergedError } from "./errors.ts";
import type { JournalRow, RecordedStep } from "./journal_row.ts";
import { ownershipLost, type RunOwner } from "./journal_statement.ts";
import { JournalWriter } from "./journal_writer.ts";

/**
 * How long it is taken for granted that the run is still this process's, in milliseconds: less than it takes others to
 * declare a process dead.
 */
const CONFIRMED_FOR_MS = 2500;

/** A run while this process executes it: what was recorded before, and where to record what happens now. */
export class Execution {
  readonly database: Database;
  readonly owner: RunOwner;
  readonly writer: JournalWriter;
  /** While the snapshot of a pause is opened: the tools and handoffs that the paused response has called. */
  pausedCalls: ReadonlySet<string> = new Set();
  /** The functions that whoever began the run offers to its agent, and calls. */
  readonly callerTools: readonly AnyFunctionTool[];
  readonly #abort = new AbortController();
  readonly #recorded: Map<string, RecordedStep>;
  readonly #patches: RecordedStep[];
  readonly #attempts: Map<string, number>;
  /** By agent and call id: the key of the step that has used the approval. */
  readonly #approvals = new Map<string, string | undefined>();
  readonly #usage = new Map<string, ModelUsage>();
  #failure: { error: unknown } | undefined;
  /** When the run was last known to be this process's. By the clock on the wall: it goes on while a laptop sleeps. */
  #confirmedAt = Date.now();

  /**
   * @param recorded The steps of the run's segment that were recorded before.
   * @param attempts How often a step has begun to stream events.
   * @param position The last position that is taken.
   * @param callerTools What whoever began the run offers to its agent.
   */
  constructor(
    database: Database,
    owner: RunOwner,
    recorded: RecordedStep[],
    attempts: Map<string, number>,
    position: number,
    callerTools: readonly CallerTool[] = [],
  ) {
    this.callerTools = callerTools.map(toFunctionTool);
    this.database = database;
    this.owner = owner;
    this.#recorded = new Map(recorded.map((step) => [step.key, step]));
    this.#patches = recorded.filter(({ contextPatch }) => contextPatch !== null);
    this.#attempts = attempts;
    this.writer = new JournalWriter(database, owner, position, (error) => this.fail(error));
  }

  /** Aborts when the execution must stop: it failed, or was told to. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Why the execution must stop, whatever the SDK makes of it. */
  get failure(): { error: unknown } | undefined {
    return this.#failure;
  }

  /** Stops the execution: `error` is what comes of it. The first one counts. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#abort.abort(error);
  }

  /**
   * Makes sure before a call is made that nobody else has made it: a process that stood still for a while may have
   * been taken for dead. Costs nothing while {@linkcode confirmOwnership} is asked from time to time.
   *
   * @throws {OwnershipLostError} When the run is not this process's any more.
   */
  async assertOwned(): Promise<void> {
    if (Math.abs(Date.now() - this.#confirmedAt) < CONFIRMED_FOR_MS) return;
    // A database that is away is no error of the tool's that waits here.
    await this.confirmOwnership().catch((error) => this.fail(error));
    if (this.#failure) throw this.#failure.error;
  }

  /** Asks the database whether the run is still this process's; if not, the execution fails. */
  async confirmOwnership(): Promise<void> {
    const { runId, epoch } = this.owner;
    const asked = Date.now();
    const [row] = await this.database.query(
      "select epoch = $2::int and status = 'running' as owned from timestep.runs where run_id = $1",
      [runId, epoch],
    );
    if (row?.["owned"] === true) this.#confirmedAt = asked;
    else this.fail(ownershipLost(this.owner));
  }

  /** Takes what was recorded of a step; each can be taken once. */
  take(key: string): RecordedStep | undefined {
    const step = this.#recorded.get(key);
    this.#recorded.delete(key);
    return step;
  }

  /** What was recorded of a step, if it was not yet taken. */
  peek(key: string): RecordedStep | undefined {
    return this.#recorded.get(key);
  }

  /**
   * Makes sure that nothing was left out: before a scope makes a model call of its own, all that was recorded in
   * it must have been taken.
   *
   * @throws {RunDivergedError} When a recorded model or tool call of the scope was not taken.
   */
  assertNothingSkipped(prefix: string, key: string): void {
    for (const step of this.#recorded.values()) {
      const inScope = step.key.startsWith(`model:${prefix}`) || step.key.startsWith(`tool:${prefix}`);
      if (!inScope || step.status === "started") continue;
      throw this.diverged(`"${key}" came before "${step.key}" (${step.name}), which is recorded`);
    }
  }

  /** The error of a run that does other things than are recorded; it also stops the execution. */
  diverged(difference: string): RunDivergedError {
    const error = new RunDivergedError(
      `Cannot go on with run "${this.owner.runId}": what it does differs from what is recorded. The first ` +
        `difference: ${difference}. Execute it with the code that it was begun with, or begin a new run.`,
    );
    this.fail(error);
    return error;
  }

  /** Notes that a person has approved one call, in this segment's pause or in an earlier one. */
  approve(agentName: string, callId: string, isEarlier: boolean): void {
    this.#approvals.set(
      JSON.stringify([agentName, callId]),
      isEarlier ? "a call in an earlier part of the run" : undefined,
    );
  }

  /**
   * Makes sure that an approval is used once. The SDK takes it to be about every call of the same agent and id, and
   * agents used as tools may get an id again from their model.
   *
   * @throws {ApprovalReusedError} When another call has used it.
   */
  useApproval(agentName: string | undefined, callId: string, key: string): void {
    const approval = JSON.stringify([agentName, callId]);
    if (!this.#approvals.has(approval)) return;
    const usedBy = this.#approvals.get(approval);
    this.#approvals.set(approval, key);
    if (usedBy === undefined) return;
    const error = new ApprovalReusedError(
      `Cannot execute "${key}" of run "${this.owner.runId}": nobody has approved it. Its model gave it the id ` +
        `"${callId}" of ${usedBy}, which was approved. Use a model that gives each call an id of its own.`,
    );
    this.fail(error);
    throw error;
  }

  /** Whether a model has answered in this run, now or before. */
  get hasAskedModel(): boolean {
    return this.owner.segment > 0 || this.#usage.size > 0 ||
      this.#recorded.values().some(({ kind }) => kind === "model");
  }

  /** The number of the next attempt of a step that streams events. */
  nextAttempt(key: string): number {
    const attempt = (this.#attempts.get(key) ?? 0) + 1;
    this.#attempts.set(key, attempt);
    return attempt;
  }

  /** The recorded changes of the context named `id`, in the order in which they were made. */
  patchesOf(id: string): RecordedStep[] {
    return this.#patches.filter(({ contextPatch }) => contextIdOf(contextPatch) === id);
  }

  /** Counts what a model call has used, whether it was made now or is replayed. */
  count(model: string, usage: Usage): void {
    const total = this.#usage.get(model) ?? noUsage(model);
    this.#usage.set(model, total);
    countUsage(total, usage);
  }

  /** What the models were used for in this segment, in the order of their first use. */
  get usage(): ModelUsage[] {
    return [...this.#usage.values()];
  }

  /** Records a step that is over. */
  record(row: Omit<JournalRow, "attempt"> & { attempt?: number }): Promise<void> {
    return this.writer.write({ attempt: 1, ...row });
  }
}
