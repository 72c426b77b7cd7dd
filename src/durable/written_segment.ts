import type { JournalRow } from "./journal_row.ts";
import type { SegmentEnd } from "./journal_writer.ts";

/** A step as it was written. */
export interface WrittenStep extends JournalRow {
  /** Its place in the stream of events. */
  position: number;
}

/**
 * The first segment of a run as the process has written it that has begun and ended it: the same as the database has.
 * It is not there when anything in it came from elsewhere, was streamed, or waits.
 */
export interface WrittenSegment {
  /** In their order. */
  steps: WrittenStep[];
  end: SegmentEnd;
  /** In milliseconds since 1970, by the database's clock. */
  endedAtMs: number;
}
