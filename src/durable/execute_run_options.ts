import type { ModelProvider, Session } from "../core/package_types.ts";
import type { Database } from "../database/database.ts";

/** What {@linkcode executeRun} needs. */
export interface ExecuteRunOptions {
  /** Where the run is recorded. */
  database: Database;
  /** The run. */
  runId: string;
  /** Which part of the run: 0, then one more after every pause. */
  segment: number;
  /** Who executes: recorded with the run, so that it can be taken over when this process dies. */
  executorId: string;
  /**
   * Stops the execution, aborting the model call in flight. Unless the run was cancelled it stays as it is, to be
   * executed again.
   */
  signal?: AbortSignal;
  /** Where models that are given by name come from. Default: `MultiModelProvider`. */
  modelProvider?: ModelProvider;
  /** The conversation. Default: the `DatabaseSession` of the run's session id, if the run has one. */
  session?: Session;
  /** How often to look whether the run was cancelled or taken over while nothing is written. @default {1000} */
  watchIntervalMs?: number;
}
