import type { MissedTicks } from "./schedules.ts";

/** A tick that is later than this, in milliseconds, was missed. Workers look every second. */
const LATE_MS = 30_000;

/** More ticks than this at once are too many to fire, as of a schedule for every second after a hiccup. */
const MAX_AT_ONCE = 60;

/** A crontab: what it fires after a moment. */
export interface Crontab {
  nextWakeupTime(after: Date | number): Date;
}

/** What to fire now, and when to look again. */
export interface DueTicks {
  /** Oldest first. */
  readonly fire: readonly Date[];
  /** The first tick after now. */
  readonly next: Date;
}

/**
 * Decides which ticks of a schedule to fire now.
 *
 * @param next The tick that is to be fired next.
 * @param now The time.
 * @param missed Of ticks that are late: `once` fires the last of them, unless one is due that is not late;
 * `skip` fires none.
 */
export function dueTicks(crontab: Crontab, next: Date, now: Date, missed: MissedTicks): DueTicks {
  const late = new Date(now.getTime() - LATE_MS);
  const fire: Date[] = [];
  // The search begins where it matters, however long nobody was there.
  let tick = next < late ? crontab.nextWakeupTime(late.getTime() - 1) : next;
  for (; tick <= now; tick = crontab.nextWakeupTime(tick)) {
    fire.push(tick);
    if (fire.length > MAX_AT_ONCE) fire.shift();
  }
  if (fire.length === 0 && next < late && missed === "once") {
    fire.push(lastTickBefore(crontab, next, late));
  }
  return { fire, next: tick };
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
