import { exportsOf } from "../core/common_js.ts";
import type { Database } from "../database/database.ts";
import { registeredAgentNames } from "../durable/registry.ts";
import type { RunOutcome } from "../durable/run_outcome.ts";
import { agentRun, type AgentRunContext, STOPPED } from "./_agent_run.ts";
import { type Configuration, useConfiguration } from "./configure_dbos.ts";
import { dispatchDatabase } from "./_database.ts";
import { applicationVersion, WORKFLOW_NAME } from "./_dispatch.ts";
import { MAX_TIMER_MS } from "../durable/sleep.ts";
import { beat, fireSchedules, signOff, signOffOthers, sweep, takeOver } from "./_executor_sql.ts";
import { type Heartbeat, startHeartbeat } from "./_heartbeat.ts";
import { dbosLogger } from "./_logger.ts";
import { renewSchedules } from "./_schedule_renewal.ts";
import { type SystemDatabaseConfig, systemDatabaseConfig } from "./_system_database.ts";

/** Every how many heartbeats to look for what crashes left behind. */
const BEATS_PER_SWEEP = 5;

/** How long a run that was told to stop may take to do so, in milliseconds. */
const STOPPING_MS = 2000;

interface Running {
  readonly controller: AbortController;
  /** What came of it, if that is known here. */
  readonly ended: Promise<RunOutcome | undefined>;
}

type DBOSModule = typeof import("@dbos-inc/dbos-sdk");
type ExecutorModule = typeof import("@dbos-inc/dbos-sdk/internal/dbos-executor");

/** This process as an executor of runs: DBOS launched, and a heartbeat that claims what is to be done. */
export class Engine {
  readonly database: Database;
  readonly executorId: string;
  readonly configuration: Configuration;
  readonly #DBOS: DBOSModule["DBOS"];
  readonly #DBOSExecutor: ExecutorModule["DBOSExecutor"];
  readonly #running = new Map<string, Running>();
  #heartbeat: Heartbeat | undefined;
  #pool: SystemDatabaseConfig["systemDatabasePool"] | undefined;
  #claims = true;
  #hasStopped = false;

  private constructor(
    context: AgentRunContext,
    DBOS: DBOSModule["DBOS"],
    DBOSExecutor: ExecutorModule["DBOSExecutor"],
  ) {
    this.database = context.database;
    this.executorId = context.executorId;
    this.configuration = context.configuration;
    this.#DBOS = DBOS;
    this.#DBOSExecutor = DBOSExecutor;
  }

  /** Launches DBOS. It is loaded here and not before: most programs that import this module never need it. */
  static async launch(): Promise<Engine> {
    const configuration = useConfiguration();
    const database = await dispatchDatabase();
    const { DBOS } = exportsOf(await import("@dbos-inc/dbos-sdk"));
    const { DBOSExecutor } = exportsOf(await import("@dbos-inc/dbos-sdk/internal/dbos-executor"));
    // DBOS takes an executor that comes back under its old id for the same one; here nobody comes back.
    const executorId = crypto.randomUUID();
    const engine = new Engine({ database, executorId, configuration }, DBOS, DBOSExecutor);
    await beat(database, executorId);
    if (database.engine === "pglite") await signOffOthers(database, executorId);
    await engine.#launchDBOS();
    engine.#heartbeat = startHeartbeat(configuration.heartbeatMs, (number) => engine.#beat(number));
    return engine;
  }

  /** Executes workflows that this executor has claimed. */
  async dispatch(workflowIds: string[], ownerToken: string): Promise<void> {
    if (workflowIds.length === 0) return;
    await this.#DBOSExecutor.globalInstance?.dispatchDequeuedWorkflows(workflowIds, ownerToken);
  }

  /**
   * Waits while this executor executes the workflow, so that its end need not be looked for.
   *
   * @returns What came of it, if it was this execution that has ended the run or its part.
   */
  async whileExecuting(workflowId: string): Promise<RunOutcome | undefined> {
    return await this.#running.get(workflowId)?.ended;
  }

  /**
   * Claims nothing more, lets what is under way go on until the deadline, and lets go of the rest.
   *
   * @param deadline In milliseconds since 1970. @default {now}
   */
  async stop(deadline: number = Date.now()): Promise<void> {
    this.#claims = false;
    await this.#DBOSExecutor.globalInstance?.deactivateEventReceivers();
    await this.#ended(deadline - Date.now() - STOPPING_MS);
    for (const { controller } of this.#running.values()) controller.abort();
    await this.#ended(STOPPING_MS);
    await this.#heartbeat?.stop();
    // DBOS may be recording that a workflow is over. Those that were stopped have no end that it could wait for.
    const options = this.#hasStopped ? {} : { workflowCompletionTimeoutMS: STOPPING_MS };
    await this.#DBOS.shutdown(options);
    await this.#pool?.end();
    currentEngine = undefined;
    // Should this fail, the silence says the same a little later.
    await signOff(this.database, this.executorId).catch(() => {});
  }

  /** The body of every workflow. */
  async execute(runId: string, segment: number): Promise<{ status: string }> {
    const workflowId = this.#DBOS.workflowID ?? runId;
    const controller = new AbortController();
    if (!this.#claims) controller.abort();
    const end = agentRun(this, { runId, segment, workflowId }, controller.signal);
    const ended = end.then(({ outcome }) => outcome, () => undefined)
      .finally(() => this.#running.delete(workflowId));
    this.#running.set(workflowId, { controller, ended });
    // Had it an end in DBOS, that would wait for the outcome of whoever takes the run over. DBOS is shut down next.
    if (await end === STOPPED) {
      this.#hasStopped = true;
      await new Promise<never>(() => {});
    }
    return (await end).report;
  }

  async #launchDBOS(): Promise<void> {
    registerWorkflow(this.#DBOS);
    const { name, connectionString } = this.configuration;
    const systemDatabase = await systemDatabaseConfig(this.database, connectionString);
    this.#pool = systemDatabase.systemDatabasePool;
    this.#DBOS.setConfig({
      name,
      ...systemDatabase,
      executorID: this.executorId,
      applicationVersion: applicationVersion(name),
      runMigrations: false,
      // Costs a connection that a pooler in transaction mode does not give, and 100 ms; queues don't use it.
      useListenNotify: false,
      // A setting of the session, which such a pooler would give to somebody else.
      systemDatabaseIdleTransactionTimeoutMs: 0,
      enableOTLP: false,
      tracingEnabled: false,
      logger: dbosLogger,
    });
    currentEngine = this;
    try {
      await this.#DBOS.launch();
    } catch (error) {
      currentEngine = undefined;
      await this.#DBOS.shutdown();
      await this.#pool.end();
      throw error;
    }
  }

  async #beat(number: number): Promise<void> {
    const { database, executorId, configuration } = this;
    await beat(database, executorId);
    if (!this.#claims) return;
    const ownerToken = crypto.randomUUID();
    const taken = await takeOver(database, {
      executorId,
      ownerToken,
      applicationName: configuration.name,
      agentNames: registeredAgentNames(),
      executorTimeoutMs: configuration.executorTimeoutMs,
    });
    await this.dispatch(taken, ownerToken);
    const sweeps = number % BEATS_PER_SWEEP === 0;
    // First, as what was missed is known then.
    if (sweeps) await renewSchedules(database);
    await fireSchedules(database);
    if (sweeps) await sweep(database, configuration.executorTimeoutMs);
  }

  /** Waits until nothing is under way, or for so many milliseconds. */
  async #ended(withinMs: number): Promise<void> {
    if (this.#running.size === 0 || withinMs <= 0) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<void>((resolve) =>
      timer = setTimeout(resolve, Math.min(withinMs, MAX_TIMER_MS))
    );
    const all = Promise.all([...this.#running.values()].map(({ ended }) => ended));
    await Promise.race([all, timeout]);
    clearTimeout(timer);
  }
}

let currentEngine: Engine | undefined;
let registered = false;

/** DBOS finds the function by its name, in every process. It is registered once: registrations outlive a shutdown. */
function registerWorkflow(DBOS: DBOSModule["DBOS"]): void {
  if (registered) return;
  registered = true;
  DBOS.registerWorkflow(
    (runId: string, segment: number) => {
      if (!currentEngine) throw new Error(`Cannot execute run "${runId}": DBOS is not launched.`);
      return currentEngine.execute(runId, segment);
    },
    // Nothing is ever given up for having been dispatched often: take_over() makes it wait longer instead.
    { name: WORKFLOW_NAME, maxRecoveryAttempts: 2 ** 30 },
  );
}
