import { assertOptions } from "../core/assert_options.ts";
import { assertStorableName } from "../database/storable_name.ts";
import { dispatchDatabase } from "./_database.ts";
import { DIRECT_QUEUE } from "./_dispatch.ts";
import { upsertQueue } from "./_queues.ts";
import type { QueueLimits } from "./queue_limits.ts";
import { useConfiguration } from "./configure_dbos.ts";

/** A queue with its limits. */
export interface RegisterAgentQueueOptions extends QueueLimits {
  /** What runs name the queue by. */
  name: string;
}

/**
 * Records a queue for `queueAgentWorkflow()`, or changes its limits. It is kept in the database: once is enough,
 * from any process, and all workers follow within a second. The default queue, `agents`, is changed the same way.
 *
 * @param options The queue.
 * @throws {RangeError} When a limit is not a positive number.
 * @throws {TypeError} When the name is taken or can't be stored.
 *
 * @example One run at a time for each session
 * ```ts
 * import { configureDBOS, registerAgentQueue, shutdownDBOS } from "@timestep-ai/timestep";
 *
 * configureDBOS({ connectionString: "pglite:memory" });
 * await registerAgentQueue({ name: "chats", partitionConcurrency: 1 });
 * await shutdownDBOS();
 * ```
 */
export async function registerAgentQueue(options: RegisterAgentQueueOptions): Promise<void> {
  assertOptions("register a queue", options);
  const { name, ...limits } = options;
  assertStorableName("name of the queue", name);
  if (name === DIRECT_QUEUE || name.startsWith("_dbos_")) {
    throw new TypeError(`Cannot register queue "${name}": the name is taken. Choose another.`);
  }
  checkLimits(name, limits);
  const database = await dispatchDatabase();
  if (await upsertQueue(database, name, limits, useConfiguration().name)) return;
  throw new TypeError(
    `Cannot register queue "${name}": another application has one of this name. Choose another.`,
  );
}

/** The limits of a queue and of a rate, and whether they are whole numbers. */
const LIMITS = {
  concurrency: true,
  workerConcurrency: true,
  partitionConcurrency: true,
  pollingIntervalMs: false,
};
const RATE_LIMITS = { limit: true, periodSeconds: false };

function checkLimits(name: string, { rateLimit, ...numbers }: QueueLimits): void {
  // Callers without types come here, too: a limit that is passed over would be missed late.
  if (rateLimit !== undefined && (rateLimit?.limit === undefined || rateLimit.periodSeconds === undefined)) {
    throw new TypeError(
      `Cannot register queue "${name}": rateLimit is ${
        JSON.stringify(rateLimit)
      }, but has to have both limit and ` +
        "periodSeconds.",
    );
  }
  checkNumbers(name, LIMITS, numbers);
  checkNumbers(name, RATE_LIMITS, rateLimit ?? {});
}

function checkNumbers(name: string, known: Readonly<Record<string, boolean>>, numbers: object): void {
  for (const [limit, value] of Object.entries(numbers)) {
    const whole = known[limit];
    if (whole === undefined) {
      const all = Object.keys(known).join(", ");
      throw new TypeError(
        `Cannot register queue "${name}": there is no limit called ${limit} beside ${all}.`,
      );
    }
    if (value === undefined) continue;
    const fits = whole ? Number.isInteger(value) && value < 2 ** 31 : Number.isFinite(value);
    if (!(fits && value > 0)) {
      throw new RangeError(
        `Cannot register queue "${name}": ${limit} is ${value}, but has to be a positive ${
          whole ? "integer below 2^31" : "number"
        }.`,
      );
    }
  }
}
