import { assertOptions } from "../core/assert_options.ts";
import { useConfiguration } from "./configure_dbos.ts";
import { closeWorkflowDatabase } from "./_database.ts";
import type { Engine } from "./_engine.ts";

let launched: Promise<Engine> | undefined;
let stopping: Promise<void> | undefined;

/**
 * Makes this process a worker: it executes runs, those of queues and schedules too, and takes over the runs of
 * processes that died. Does nothing when it is one. `runAgentWorkflow()` and `queueAgentWorkflow()` do this
 * themselves.
 *
 * A worker stays alive until {@linkcode shutdownDBOS}; a script that has what it wanted calls that at its end.
 *
 * @throws {DatabaseError} When the database can't be opened.
 *
 * @example
 * ```ts
 * import { Agent } from "@openai/agents";
 * import { configureDBOS, ensureDBOSLaunched, registerAgent, shutdownDBOS } from "@timestep-ai/timestep";
 *
 * configureDBOS({ connectionString: "pglite:memory" });
 * registerAgent(new Agent({ name: "Assistant", instructions: "Be brief." }));
 * await ensureDBOSLaunched();
 * // ... until the process is told to end:
 * await shutdownDBOS();
 * ```
 */
export async function ensureDBOSLaunched(): Promise<void> {
  await launchedEngine();
}

/**
 * Ends the work of this process: it claims no more runs, stops those under way, which other processes take over
 * at once, and closes the database. DBOS can be configured and launched again afterwards.
 */
export async function shutdownDBOS(): Promise<void> {
  await stopEngine();
  await closeWorkflowDatabase();
}

/** What {@linkcode handOver} needs. */
export interface HandOverOptions {
  /** When this process ends, or has to be done. */
  deadline: Date;
}

/**
 * For processes that are ended from outside, such as edge functions: claims no more runs, lets those under way go
 * on until about two seconds before the deadline, and hands over the rest. Nothing has to time out before another
 * process goes on with them.
 *
 * @param options When this process ends. A time that is over hands over at once.
 * @throws {TypeError} When the deadline is not a date.
 */
export async function handOver(options: HandOverOptions): Promise<void> {
  assertOptions("hand over", options);
  const { deadline } = options;
  const end = (deadline as Date | undefined)?.getTime?.();
  if (end === undefined || Number.isNaN(end)) {
    throw new TypeError(`Cannot hand over: deadline is ${String(deadline)}, but has to be a Date.`);
  }
  await stopEngine(end);
}

/** The engine of this process, launched; undefined when it is configured not to execute runs. */
export async function launchedEngine(): Promise<Engine | undefined> {
  if (!useConfiguration().execute) return undefined;
  await stopping;
  return await (launched ??= launch().catch((error) => {
    launched = undefined;
    throw error;
  }));
}

/** Loads the engine here and not before, as most programs that import the module never need it. */
async function launch(): Promise<Engine> {
  const { Engine } = await import("./_engine.ts");
  return await Engine.launch();
}

async function stopEngine(deadline?: number): Promise<void> {
  if (stopping) return await stopping;
  const engine = await launched?.catch(() => undefined);
  if (!engine || stopping) return await stopping;
  launched = undefined;
  stopping = engine.stop(deadline).finally(() => stopping = undefined);
  await stopping;
}
