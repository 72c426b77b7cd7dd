/** At most so many starts in any period of so many seconds. */
export interface QueueRateLimit {
  /** How many starts. */
  limit: number;
  /** In any period of this length, in seconds. */
  periodSeconds: number;
}

/** What a queue lets through. Without any limit: everything, at once. */
export interface QueueLimits {
  /** How many runs may be under way, in all processes together. */
  concurrency?: number | undefined;
  /** How many runs may be under way in one process. */
  workerConcurrency?: number | undefined;
  /** How many runs may start in a period, in all processes together. */
  rateLimit?: QueueRateLimit | undefined;
  /**
   * How many runs with the same partition key may be under way. It makes the queue a partitioned one: every run
   * in it needs a partition key (a run with a session has that of its session).
   */
  partitionConcurrency?: number | undefined;
  /** How often a process looks for work, in milliseconds. @default {1000} */
  pollingIntervalMs?: number | undefined;
}
