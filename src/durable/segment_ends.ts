import type { WrittenSegment } from "./written_segment.ts";

/**
 * Is told the id of a run whose segment was ended by this process: the run has ended, or waits. And what was written of
 * the segment, if somebody wanted it kept and it is all there.
 */
type Listener = (runId: string, written: WrittenSegment | undefined) => void;

const listeners = new Set<Listener>();
const kept = new Set<string>();

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

/**
 * Has what is written of a new run kept, for who answers with it and need not read it again. To be called before the
 * run is executed.
 */
export function keepWritten(runId: string): void {
  kept.add(runId);
}

/** Has nothing kept of a run any more. */
export function forgetWritten(runId: string): void {
  kept.delete(runId);
}

/** Whether what is written of a run is to be kept. */
export function isKept(runId: string): boolean {
  return kept.has(runId);
}

/** Tells everybody, once it is committed. */
export function segmentEnded(runId: string, written: WrittenSegment | undefined): void {
  for (const listener of listeners) listener(runId, written);
}
