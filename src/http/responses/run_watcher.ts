import type { Database } from "../../database/database.ts";
import { forgetWritten, onSegmentEnd } from "../../durable/segment_ends.ts";
import type { WrittenSegment } from "../../durable/written_segment.ts";
import { type Entry, parseEntry } from "./entry.ts";
import { newsOf } from "./written_news.ts";

/** What is new of a run. */
export interface RunNews {
  entries: Entry[];
  /** Whether there is more than was read at once. */
  more: boolean;
  /** What the run is doing, as of these entries. */
  status: string;
  segment: number;
  /** How the reader's segment ended, as `timestep.read_segment()` tells it; `null` while it has not. */
  ended: unknown;
}

/** A segment of a run, whose it is, and who reads it. */
export interface WatchedRun {
  runId: string;
  /** `null`: the service's own. */
  ownerId: string | null;
  segment: number;
  /** As `claimsOf()` gives them. */
  claims: string | null;
}

/** Somebody who reads a run. */
interface Reader {
  run: WatchedRun;
  /** Whether this process has ended a segment of the run since it was looked at. */
  ended: boolean;
  /** All that was written of the run, once this process has ended it and need not read it. */
  written?: WrittenSegment;
}

interface Watch {
  reader: Reader;
  after: number;
  take(news: RunNews): void;
  fail(error: unknown): void;
  /** When to look again, by the clock of `performance.now()`. */
  due: number;
  waitMs: number;
}

/** A run is looked at this often, in milliseconds: from, to. The more happens, the more often. */
const LOOK_MS = [8, 100] as const;
/** At most so many entries of a run are read at once. */
const PAGE = 500;

/**
 * Looks after all runs that are being read in this process, with one statement for all of them: however many
 * readers there are, the database is asked equally often.
 */
export class RunWatcher {
  readonly #database: Database;
  readonly #watches = new Set<Watch>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #looking = false;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * What is there of a run, then what comes, until the reader stops. The first news always come, also when there
   * is nothing new.
   *
   * @param run The run.
   * @param signal Ends the reading.
   * @param executing For who wants the end and nothing else: resolves when this process no longer executes the run.
   * There is no need to look often until then, nor at once; nor at all, where it was told to keep what it has written.
   */
  async *news(
    run: WatchedRun,
    signal: AbortSignal,
    executing?: Promise<unknown>,
  ): AsyncGenerator<RunNews, void, undefined> {
    let after = 0;
    let soonestMs: number = executing ? LOOK_MS[1] : LOOK_MS[0];
    let waitMs = executing ? soonestMs : 0;
    const reader: Reader = { run, ended: false };
    executing?.finally(() => {
      soonestMs = LOOK_MS[0];
      this.#hurry(reader);
    });
    const stopListening = onSegmentEnd((runId, written) => {
      if (runId !== run.runId) return;
      if (executing && written) this.#tell(reader, written);
      else this.#hurry(reader);
    });
    try {
      while (!signal.aborted) {
        const news = await this.#next(reader, after, reader.ended ? 0 : waitMs, signal);
        if (!news) return;
        yield news;
        after = news.entries.at(-1)?.position ?? after;
        if (news.more) waitMs = 0;
        else if (news.entries.length > 0 || waitMs === 0) waitMs = soonestMs;
        else waitMs = Math.min(waitMs * 1.5, LOOK_MS[1]);
      }
    } finally {
      stopListening();
      if (executing) forgetWritten(run.runId);
    }
  }

  /** What this process has written itself. */
  #tell(reader: Reader, written: WrittenSegment): void {
    reader.written = written;
    for (const watch of this.#watches) {
      if (watch.reader === reader) watch.take(newsOf(reader.run.runId, written, watch.after));
    }
    this.#schedule();
  }

  /** What happens elsewhere is noticed by looking; what happens here need not be waited for. */
  #hurry(reader: Reader): void {
    reader.ended = true;
    for (const watch of this.#watches) if (watch.reader === reader) watch.due = performance.now();
    this.#schedule();
  }

  #next(
    reader: Reader,
    after: number,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<RunNews | undefined> {
    if (reader.written) return Promise.resolve(newsOf(reader.run.runId, reader.written, after));
    return new Promise((resolve, reject) => {
      const due = performance.now() + waitMs;
      const leave = () => {
        this.#watches.delete(watch);
        signal.removeEventListener("abort", stop);
      };
      const stop = () => {
        leave();
        resolve(undefined);
        if (this.#watches.size === 0) this.#sleep();
      };
      const watch: Watch = {
        reader,
        after,
        due,
        waitMs,
        take: (news) => {
          leave();
          resolve(news);
        },
        fail: (error) => {
          leave();
          reject(error);
        },
      };
      signal.addEventListener("abort", stop, { once: true });
      this.#watches.add(watch);
      this.#schedule();
    });
  }

  #sleep(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #schedule(): void {
    if (this.#looking) return;
    this.#sleep();
    if (this.#watches.size === 0) return;
    const due = Math.min(...[...this.#watches].map((watch) => watch.due));
    const waitMs = due - performance.now();
    if (waitMs <= 0) this.#look();
    else this.#timer = setTimeout(() => this.#look(), waitMs);
  }

  async #look(): Promise<void> {
    this.#looking = true;
    // Whoever would be looked at soon comes along.
    const soon = performance.now() + LOOK_MS[0];
    const watches = [...this.#watches].filter(({ due }) => due <= soon);
    for (const { reader } of watches) reader.ended = false;
    try {
      const places = placesOf(watches);
      const news = await readNews(this.#database, [...places.values()].map(([watch]) => watch));
      [...places.values()].forEach((sharing, place) => {
        const found = news.get(place);
        for (const watch of sharing) {
          if (found) watch.take(found);
          else watch.fail(new Error(`Run "${watch.reader.run.runId}" is gone.`));
        }
      });
    } catch (error) {
      for (const watch of watches) watch.fail(error);
    } finally {
      this.#looking = false;
      this.#schedule();
    }
  }
}

/** Those who are at the same place of the same run are told the same, which is read once. */
function placesOf(watches: readonly Watch[]): Map<string, [Watch, ...Watch[]]> {
  const places = new Map<string, [Watch, ...Watch[]]>();
  for (const watch of watches) {
    const { runId, ownerId, segment, claims } = watch.reader.run;
    const place = JSON.stringify([runId, ownerId, segment, claims, watch.after]);
    const sharing = places.get(place);
    if (sharing) sharing.push(watch);
    else places.set(place, [watch]);
  }
  return places;
}

async function readNews(database: Database, watches: readonly Watch[]): Promise<Map<number, RunNews>> {
  const runs = watches.map(({ reader }) => reader.run);
  const rows = await database.query(NEWS, [
    runs.map(({ runId }) => runId),
    runs.map(({ ownerId }) => ownerId ?? ""),
    runs.map(({ claims }) => claims ?? ""),
    runs.map(({ segment }) => String(segment)),
    watches.map(({ after }) => String(after)),
    PAGE,
  ]);
  const news = new Map<number, RunNews>();
  for (const row of rows) {
    // The first row of each says how the run is, the others what it has written.
    const place = Number(row["place"]) - 1;
    const known = news.get(place);
    if (known) {
      known.entries.push(parseEntry(row));
      known.more = known.entries.length === PAGE;
    } else {
      const segment = Number(row["run_segment"]);
      news.set(place, {
        entries: [],
        more: false,
        status: String(row["run_status"]),
        segment,
        ended: row["ended"],
      });
    }
  }
  return news;
}

const NEWS =
  "select * from timestep.read_news($1::text[], $2::text[], $3::text[], $4::text[]::int[], $5::text[]::bigint[], $6::int)";
