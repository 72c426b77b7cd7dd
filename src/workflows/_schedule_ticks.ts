import { exportsOf } from "../core/common_js.ts";

/** So many ticks are noted, */
const TICKS_AHEAD = 100;

/** or more, to last so many milliseconds, */
const AHEAD_MS = 600_000;

/** but at most so far ahead, as of a schedule for each 29th of February: in milliseconds, a year. */
const FAR_MS = 366 * 86_400_000;

/** How long ago a tick is, in milliseconds, when only the last one of all before it counts. Longer than ticks may be late. */
const LONG_AGO_MS = 120_000;

/** A crontab: what it fires after a moment. */
export interface Crontab {
  nextWakeupTime(after: Date | number): Date;
}

/**
 * Reads a crontab of five fields, or six with seconds first.
 *
 * @throws {RangeError} When it, or the time zone, is not one.
 */
export async function parseCrontab(crontab: string, timezone: string): Promise<Crontab> {
  // Taken for the one of this process, which differs from the others'.
  if (typeof timezone !== "string" || timezone.trim() === "") {
    throw new RangeError(
      `Cannot schedule by "${crontab}": the time zone is ${
        JSON.stringify(timezone)
      }. Leave it out or name one.`,
    );
  }
  const { TimeMatcher } = exportsOf(await import("@dbos-inc/dbos-sdk/internal/scheduler/crontab"));
  try {
    return new TimeMatcher(crontab, timezone);
  } catch (error) {
    throw new RangeError(
      `Cannot schedule by "${crontab}" in time zone "${timezone}": ${
        error instanceof Error ? error.message.replace(/!$/, "") : error
      }.`,
      { cause: error },
    );
  }
}

/**
 * The ticks that are noted with a schedule, without a gap, the oldest first: at least two.
 *
 * @param now The time; ticks after it are noted.
 * @param first A tick that has not been fired yet. Where it is long ago, the last one that is comes first: what was
 * missed before it is never fired.
 */
export function ticksAhead(crontab: Crontab, now: Date, first?: Date): Date[] {
  const longAgo = new Date(now.getTime() - LONG_AGO_MS);
  const begin = first ?? crontab.nextWakeupTime(now);
  const ticks = [begin < longAgo ? lastTickBefore(crontab, begin, longAgo) : begin];
  let ahead = 0;
  for (let tick = ticks[0] ?? begin;;) {
    const msAhead = tick.getTime() - now.getTime();
    if (msAhead > 0) ahead++;
    if (ahead >= 2 && msAhead > AHEAD_MS && (ahead >= TICKS_AHEAD || msAhead > FAR_MS)) return ticks;
    tick = crontab.nextWakeupTime(tick);
    ticks.push(tick);
  }
}

/** The last tick from `first`, which is one, to before `end`. */
function lastTickBefore(crontab: Crontab, first: Date, end: Date): Date {
  // Ticks can't be searched backwards; steps that double until there is a tick in them are few.
  for (let stepMs = 60_000;; stepMs *= 2) {
    const from = Math.max(first.getTime(), end.getTime() - stepMs);
    let last: Date | undefined;
    for (let tick = crontab.nextWakeupTime(from - 1); tick < end; tick = crontab.nextWakeupTime(tick)) {
      last = tick;
    }
    if (last) return last;
    if (from === first.getTime()) return first;
  }
}
