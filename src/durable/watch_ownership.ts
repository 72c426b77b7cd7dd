import type { Execution } from "./execution.ts";

/**
 * Looks from time to time whether the run is still this process's, so that one that was cancelled or taken over
 * stops during a long call too.
 *
 * @param intervalMs How often.
 * @returns Stops looking; resolves when nothing is under way any more.
 */
export function watchOwnership(execution: Execution, intervalMs = 1000): () => Promise<void> {
  let looking: Promise<void> | undefined;
  const look = async () => {
    try {
      await execution.confirmOwnership();
    } catch {
      // Whether the database can be reached is for the next write to find out.
    }
  };
  const timer = setInterval(() => looking ??= look().finally(() => looking = undefined), intervalMs);
  return async () => {
    clearInterval(timer);
    await looking;
  };
}
