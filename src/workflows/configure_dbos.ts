import { assertOptions } from "../core/assert_options.ts";
import type { ModelProvider } from "../core/package_types.ts";
import { assertStorableName } from "../database/storable_name.ts";
import { DBOSConfiguredLateError } from "./errors.ts";
import { MAX_TIMER_MS } from "../durable/sleep.ts";

/** Where durable runs are kept, and how this process executes them. */
export interface ConfigureDBOSOptions {
  /**
   * `postgres://...`, `pglite:<directory>` or `pglite:memory`. Default: as `openDatabase()` finds it in the
   * environment. Through a pooler, session and transaction mode both work.
   */
  connectionString?: string | undefined;
  /**
   * The application. Processes execute the runs of their own application only, so that several can share a
   * database. @default {"timestep"}
   */
  name?: string | undefined;
  /**
   * Whether this process executes runs. When not, it starts, decides and reads them, and leaves them to the
   * workers; DBOS is never launched. @default {true}
   */
  execute?: boolean | undefined;
  /** Where the models that agents name by a string come from. Default: `MultiModelProvider`. */
  modelProvider?: ModelProvider | undefined;
  /** How often this process says that it is alive, in seconds. @default {1} */
  heartbeatSeconds?: number | undefined;
  /**
   * After how many seconds of silence other processes take over the runs of this one, and this one those of
   * others. A process whose event loop stands still for longer loses its runs, so not too short; at least twice
   * `heartbeatSeconds`. @default {10}
   */
  executorTimeoutSeconds?: number | undefined;
}

/** The options with their defaults. */
export interface Configuration {
  readonly connectionString: string | undefined;
  readonly name: string;
  readonly execute: boolean;
  readonly modelProvider: ModelProvider | undefined;
  readonly heartbeatMs: number;
  readonly executorTimeoutMs: number;
}

/**
 * Says where durable runs are kept and how they are executed here. Optional, and only before the first use;
 * again after `shutdownDBOS()`.
 *
 * @example
 * ```ts
 * import { configureDBOS } from "@timestep-ai/timestep";
 *
 * configureDBOS({ connectionString: "pglite:memory" });
 * ```
 *
 * @param options What differs from the defaults.
 * @throws {DBOSConfiguredLateError} When DBOS is in use already, with other options.
 * @throws {RangeError} When a time is out of range.
 * @throws {TypeError} When an option is none, or can't be what it is.
 */
export function configureDBOS(options: ConfigureDBOSOptions = {}): void {
  assertOptions("configure DBOS", options);
  checkOptions(options);
  const wanted = withDefaults(options);
  if (used && !same(wanted, configuration)) {
    throw new DBOSConfiguredLateError(
      "Cannot configure DBOS: it is in use with other options. Configure it first, or after shutdownDBOS().",
    );
  }
  configuration = wanted;
}

/** What was configured. From now on it stays, until {@linkcode releaseConfiguration}. */
export function useConfiguration(): Configuration {
  used = true;
  return configuration;
}

/** Lets the configuration be changed again. */
export function releaseConfiguration(): void {
  used = false;
}

let configuration = withDefaults({});
let used = false;

function withDefaults(options: ConfigureDBOSOptions): Configuration {
  const heartbeatMs = (options.heartbeatSeconds ?? 1) * 1000;
  const executorTimeoutMs = (options.executorTimeoutSeconds ?? 10) * 1000;
  if (!(heartbeatMs > 0 && heartbeatMs <= MAX_TIMER_MS && Number.isFinite(executorTimeoutMs))) {
    throw new RangeError(
      `Cannot configure DBOS: heartbeatSeconds (${options.heartbeatSeconds}) and executorTimeoutSeconds ` +
        `(${options.executorTimeoutSeconds}) have to be positive numbers, and a heartbeat at most 24 days.`,
    );
  }
  if (executorTimeoutMs < 2 * heartbeatMs) {
    throw new RangeError(
      `Cannot configure DBOS: executorTimeoutSeconds is ${
        executorTimeoutMs / 1000
      }, less than two heartbeats ` +
        `of ${heartbeatMs / 1000} seconds, so that healthy processes would lose their runs. Raise it.`,
    );
  }
  if (options.name === "") {
    throw new TypeError("Cannot configure DBOS: name is empty. Leave it out or fill it.");
  }
  if (options.name !== undefined) assertStorableName("name of the application", options.name);
  return {
    connectionString: options.connectionString,
    name: options.name ?? "timestep",
    execute: options.execute ?? true,
    modelProvider: options.modelProvider,
    heartbeatMs,
    executorTimeoutMs,
  };
}

const OPTIONS: Readonly<Record<keyof ConfigureDBOSOptions, "string" | "boolean" | "object" | "number">> = {
  connectionString: "string",
  name: "string",
  execute: "boolean",
  modelProvider: "object",
  heartbeatSeconds: "number",
  executorTimeoutSeconds: "number",
};

/** Callers without types come here, too: what is passed over would mean another database, or a process that executes. */
function checkOptions(options: ConfigureDBOSOptions): void {
  for (const [option, value] of Object.entries(options)) {
    const type = Object.hasOwn(OPTIONS, option) && OPTIONS[option as keyof ConfigureDBOSOptions];
    if (!type) {
      const all = Object.keys(OPTIONS).join(", ");
      throw new TypeError(`Cannot configure DBOS: there is no option ${option} beside ${all}.`);
    }
    if (value !== undefined && (typeof value !== type || value === null)) {
      throw new TypeError(
        `Cannot configure DBOS: ${option} is ${value === null ? null : typeof value}, but has to be ${type}.`,
      );
    }
  }
  if (options.modelProvider && typeof options.modelProvider.getModel !== "function") {
    throw new TypeError(
      "Cannot configure DBOS: modelProvider has no getModel(), as every ModelProvider has.",
    );
  }
}

function same(a: Configuration, b: Configuration): boolean {
  return (Object.keys(a) as (keyof Configuration)[]).every((key) => a[key] === b[key]);
}
