import type { DBOSConfig } from "@dbos-inc/dbos-sdk";

type Logger = NonNullable<DBOSConfig["logger"]>;

/**
 * What of DBOS's log is shown: that something is wrong. Not what it tells at every launch, and not what is part
 * of the plan here, such as that a run which was taken over from this process is no longer its own.
 */
export const dbosLogger: Logger = {
  info: () => {},
  debug: () => {},
  warn: (entry) => show(entry),
  error: (entry) => show(entry),
};

/** Says on standard error what somebody who operates this should know. */
export function warn(message: string): void {
  console.warn(`timestep: ${message}`);
}

const EXPECTED = [
  /no longer owned by this execution/,
  /was cancelled during execution/,
  /^Shutting down while \d+ workflows are still running/,
  /contention/i,
  /exceeds the (global|partition) concurrency limit/,
  /^Ignoring migration error/,
  /is not the latest version/,
  /The system database has been shut down/,
];

function show(entry: unknown): void {
  const text = entry instanceof Error ? entry.message : String(entry);
  if (EXPECTED.some((pattern) => pattern.test(text)) || !isNews(text, performance.now())) return;
  warn(`DBOS: ${text}`);
}

/** While the database is away each queue says so each time that it is looked into: once a minute is enough. */
const QUIET_MS = 60_000;

const saidAt = new Map<string, number>();

/** Whether the same was not said within the last minute. From now on it was. */
export function isNews(text: string, now: number): boolean {
  for (const [known, at] of saidAt) if (now - at >= QUIET_MS) saidAt.delete(known);
  if (saidAt.has(text)) return false;
  saidAt.set(text, now);
  return true;
}
