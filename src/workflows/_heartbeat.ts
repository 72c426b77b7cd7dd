import { warn } from "./_logger.ts";

/** Something done again and again, until it is stopped. */
export interface Heartbeat {
  /** Waits for the beat under way; there is none after it. */
  stop(): Promise<void>;
}

/**
 * Beats at an interval, one beat at a time. A beat that fails is reported once until one succeeds again: the
 * database may be away for a while.
 *
 * @param intervalMs From the end of a beat to the next.
 * @param beat Is given its number, from 0.
 */
export function startHeartbeat(intervalMs: number, beat: (number: number) => Promise<void>): Heartbeat {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  let failing = false;
  let underWay = Promise.resolve();

  const next = (number: number) => {
    underWay = beat(number).then(() => {
      failing = false;
    }, (error) => {
      if (!failing && !stopped) warn(`Cannot reach the database to say that this process is alive: ${error}`);
      failing = true;
    }).finally(() => {
      if (!stopped) timer = setTimeout(() => next(number + 1), intervalMs);
    });
  };
  next(0);
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await underWay;
    },
  };
}
