/** Is told the id of a run whose segment was ended by this process: the run has ended, or waits. */
type Listener = (runId: string) => void;

const listeners = new Set<Listener>();

/**
 * Tells who reads runs in this process when it has ended one's segment, so that they look at once. What other
 * processes do they notice by looking from time to time.
 *
 * @returns Stops telling.
 */
export function onSegmentEnd(listener: Listener): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** Tells everybody, once it is committed. */
export function segmentEnded(runId: string): void {
  for (const listener of listeners) listener(runId);
}
