import type { RunState } from "../core/package_types.ts";
import { agentDefinition } from "../agents/agent_definition.ts";
import { agentGraph } from "../agents/agent_graph.ts";
import type { AnyAgent } from "../agents/any_agent.ts";
import type { DatabaseReferenceOptions } from "../database/database_reference.ts";
import { assertStorableName } from "../database/storable_name.ts";
import { originOf, rememberOrigin, settlementsUnderWay } from "./claims.ts";
import { DatabaseSnapshots } from "./database_snapshots.ts";
import { type AnyRunState, open } from "./envelope.ts";
import { RunStateConflictError, RunStateNotFoundError } from "./errors.ts";
import { FileSnapshots } from "./file_snapshots.ts";
import { interruptionsOf, usageOf } from "./run_facts.ts";
import { sealUntied } from "./seal_untied.ts";
import type { TranslationLoss } from "./python/losses.ts";
import type { SavedRun, Snapshots } from "./snapshots.ts";

/** Whose paused run a {@linkcode RunStateStore} keeps, and where. */
export interface RunStateStoreOptions<TAgent extends AnyAgent> extends DatabaseReferenceOptions {
  /** The agent that the run starts with. */
  agent: TAgent;
  /** The conversation that the run belongs to: there is one paused run for each agent and conversation. Default: none. */
  sessionId?: string | undefined;
}

/** What {@linkcode RunStateStore.load} can be told. */
export interface LoadOptions {
  /**
   * Also load a run that somebody has begun to resume: only when it is certain that they died. What they did since
   * is not known, and is done again. Default: `false`.
   */
  takeOver?: boolean;
}

/**
 * Keeps the paused run of an agent: in the database, or in a file. Any process can load it, decide and hand it to
 * `runAgent()`, which resumes it once: the second to try gets a {@linkcode RunStateConflictError}.
 *
 * @example
 * ```ts no-eval
 * import { Agent } from "@openai/agents";
 * import { runAgent, RunStateStore } from "@timestep-ai/timestep";
 *
 * const agent = new Agent({ name: "Assistant", model: "gpt-4.1" });
 * await using store = new RunStateStore({ agent, sessionId: "customer-42" });
 *
 * const result = await runAgent(agent, "Pay the invoice");
 * if (result.interruptions.length > 0) {
 *   await store.save(result.state);
 *
 *   const state = await store.load(); // Here, or in another process, a week later.
 *   for (const interruption of state.getInterruptions()) state.approve(interruption);
 *   await runAgent(agent, state);
 * }
 * ```
 */
export class RunStateStore<TAgent extends AnyAgent = AnyAgent> implements AsyncDisposable {
  readonly #agent: TAgent;
  readonly #snapshots: Snapshots;
  /** The run that this store saved or loaded last. */
  #held: SavedRun | null = null;
  #losses: readonly TranslationLoss[] = [];

  /**
   * Keeps the run in the database. Nothing is opened before it is used.
   *
   * @throws {TypeError} When there is no agent, an agent's name or `sessionId` is empty or can't be stored, or both
   * `database` and `connectionString` are given.
   */
  constructor(options: RunStateStoreOptions<TAgent>);
  /**
   * Keeps the run in a file.
   *
   * @throws {TypeError} When there is no agent, or the path is empty.
   * @throws {Error} When the program does not run on Deno: nothing else can lock files.
   */
  constructor(path: string, agent: TAgent);
  constructor(pathOrOptions: string | RunStateStoreOptions<TAgent>, agent?: TAgent) {
    if (typeof pathOrOptions === "string") {
      this.#agent = assertAgent(agent);
      this.#snapshots = new FileSnapshots(pathOrOptions);
    } else {
      this.#agent = assertAgent(pathOrOptions?.agent);
      for (const { name } of agentGraph(this.#agent).agents) assertStorableName("agent name", name);
      const { sessionId = null, ...options } = pathOrOptions;
      if (sessionId !== null) assertStorableName("sessionId", sessionId);
      this.#snapshots = new DatabaseSnapshots(this.#agent.name, sessionId, options);
    }
  }

  /**
   * Saves a paused run: its snapshot, what it waits for and what it used, all or nothing. A run that has ended can
   * be saved, too; it is not in the way of the next.
   *
   * @throws {TypeError} When it is not a run's state, or that of a run with other agents than the store's.
   * @throws {RunStateConflictError} When there is another paused run, or somebody saved or resumed this one meanwhile.
   */
  async save<TContext>(state: RunState<TContext, TAgent>): Promise<void> {
    if (typeof state?.getInterruptions !== "function") {
      throw new TypeError(
        `Cannot save the run ${this.#snapshots.place}: give the state of a run, result.state`,
      );
    }
    const saved: AnyRunState = state;
    this.#assertOwnAgent(saved);
    const origin = originOf(saved);
    const snapshot = {
      agents: agentDefinition(this.#agent),
      envelope: sealUntied(this.#agent, saved),
      isEnded: saved._currentStep?.type === "next_step_final_output",
      interruptions: interruptionsOf(saved, origin?.interruptions),
      usage: usageOf(this.#agent, saved),
    };
    await settlementsUnderWay();
    const run = origin?.snapshots.place === this.#snapshots.place
      ? await this.#snapshots.replace(snapshot, origin.run)
      : await this.#snapshots.add(snapshot, this.#held);
    if (!run) {
      throw new RunStateConflictError(
        `Cannot save the run ${this.#snapshots.place}: there is a paused run that this store has not loaded, or this ` +
          "one was saved, resumed or cleared since. Load it, or clear() it first.",
      );
    }
    this.#remember(saved, run);
  }

  /**
   * Loads the paused run, to decide on its interruptions and hand it to `runAgent()`.
   *
   * @throws {RunStateNotFoundError} When nothing is saved, or what was saved has ended or was cleared.
   * @throws {RunStateConflictError} When somebody has begun to resume it; see `takeOver`.
   * @throws {RunStateGraphError} When it needs agents, tools or handoffs that the store's agent does not have.
   * @throws {RunStateMalformedError} When it is damaged, or of an unknown version.
   * @throws {StateTranslationError} When Python saved it, and it cannot be carried over.
   */
  async load<TContext = unknown>(
    { takeOver = false }: LoadOptions = {},
  ): Promise<RunState<TContext, TAgent>> {
    await settlementsUnderWay();
    const found = await this.#snapshots.read();
    if (!found) throw new RunStateNotFoundError(`There is no paused run ${this.#snapshots.place}.`);
    const { run, envelope } = found;
    if (run.claim !== null && !takeOver) {
      throw new RunStateConflictError(
        `Cannot load the run ${this.#snapshots.place}: it is being resumed, or whoever resumed it failed or died ` +
          `(process and attempt ${run.claim}). When nobody is at it any more, load({ takeOver: true }) resumes it once ` +
          "more.",
      );
    }
    const { state, losses } = await open(this.#agent, envelope);
    this.#losses = losses;
    this.#remember(state, run);
    // Made from the store's own agent; what its context holds, only the caller knows.
    return state as unknown as RunState<TContext, TAgent>;
  }

  /** What the translation of the run that was loaded last left out without harm. Empty for one of this language. */
  get losses(): readonly TranslationLoss[] {
    return this.#losses;
  }

  /** Gives the paused run up, if there is one. Its record stays, but it can't be loaded any more. */
  async clear(): Promise<void> {
    await settlementsUnderWay();
    await this.#snapshots.clear();
    this.#held = null;
  }

  /** Lets go of the database if the store opened it. */
  async close(): Promise<void> {
    await this.#snapshots.close();
  }

  /** Closes the store at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #remember(state: AnyRunState, run: SavedRun): void {
    this.#held = run;
    rememberOrigin(state, { snapshots: this.#snapshots, agent: this.#agent, run });
  }

  #assertOwnAgent({ _currentAgent: { name } }: AnyRunState): void {
    if (agentGraph(this.#agent).agents.some((agent) => agent.name === name)) return;
    throw new TypeError(
      `Cannot save the run ${this.#snapshots.place}: it is at the agent "${name}", which "${this.#agent.name}" cannot ` +
        "reach. Make the store with the agent that the run started with.",
    );
  }
}

function assertAgent<TAgent extends AnyAgent>(agent: TAgent | undefined): TAgent {
  if (typeof agent?.name === "string") return agent;
  throw new TypeError(
    "Cannot make a store without the agent that its runs start with: new RunStateStore({ agent }), or " +
      "new RunStateStore(path, agent)",
  );
}
