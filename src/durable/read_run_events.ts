import { z } from "zod";
import type { Database, Row } from "../database/database.ts";
import { RunNotFoundError } from "./errors.ts";
import type { RunEvent } from "./run_event.ts";
import { sleep } from "./sleep.ts";
import { readableValue } from "./recorded_value.ts";
import type { JsonValue } from "../core/json_value.ts";

/** From where to read the events of a run. */
export interface ReadRunEventsOptions {
  /** The position of the last event that was received. Default: from the beginning. */
  after?: number;
  /** Ends the reading. */
  signal?: AbortSignal;
}

/** While a run is under way its new events are asked for this often, in milliseconds: from, to. */
const POLL_MS = [10, 40] as const;
/** While it is queued. */
const QUEUED_POLL_MS = 200;
/** At most so many rows are read at once. */
const PAGE = 500;

/**
 * The events of a run in order, from any process: those that are there, and then new ones as they come, until the
 * run has ended or waits. Read again with `after`, each event comes once.
 *
 * If a model call is cut off by a crash, it is made again. Who has seen part of the first attempt gets a `reset` with
 * the step's key before the second; who has not gets only the second.
 *
 * @throws {RunNotFoundError} When there is no such run.
 * @throws {RangeError} When `after` is no position.
 */
export async function* readRunEvents(
  database: Database,
  runId: string,
  { after = 0, signal }: ReadRunEventsOptions = {},
): AsyncGenerator<RunEvent, void, undefined> {
  if (!(Number.isSafeInteger(after) && after >= 0)) {
    throw new RangeError(
      `Cannot read the events of run "${runId}": after is ${after}, but has to be the position of an event, or 0.`,
    );
  }
  const attempts = new Attempts(database, runId, after);
  await attempts.load();
  let position = after;
  let wait: number = POLL_MS[0];
  while (!signal?.aborted) {
    // Asked before the events: what a run that has ended has written is there then.
    const status = await readStatus(database, runId);
    const rows = await readPage(database, runId, position);
    for (const row of rows) {
      for (const event of toEvents(row, position)) if (await attempts.counts(event)) yield event;
      position = row.position;
    }
    if (rows.length === PAGE) continue;
    if (status !== "queued" && status !== "running") return;
    wait = rows.length > 0 ? POLL_MS[0] : Math.min(wait * 1.3, POLL_MS[1]);
    await sleep(status === "queued" ? QUEUED_POLL_MS : wait, signal);
  }
}

async function readStatus(database: Database, runId: string): Promise<unknown> {
  const [row] = await database.query("select status from timestep.runs where run_id = $1", [runId]);
  if (!row) {
    throw new RunNotFoundError(`Cannot read the events of run "${runId}": there is no run of this id.`);
  }
  return row.status;
}

const rowSchema = z.object({
  position: z.number(),
  step: z.string(),
  attempt: z.number(),
  events: z.array(z.json()).nullable(),
  kind: z.string().nullable(),
  status: z.string().nullable(),
  name: z.string().nullable(),
  output: z.json(),
});

type EventRow = z.infer<typeof rowSchema>;

async function readPage(database: Database, runId: string, after: number): Promise<EventRow[]> {
  const rows = await database.query(
    // At most a page of either: not all that is left of a long run, for each of its pages.
    `(select position, step, attempt, events, null as kind, null as status, null as name, null::json as output
      from timestep.run_events where run_id = $1 and position > $2::bigint order by position limit ${PAGE})
     union all
     select position, key, attempt, null, kind, status, name, output
     from timestep.journal
     where run_id = $1 and position > $2::bigint and kind in ('model', 'tool', 'handoff', 'guardrail')
     order by position limit ${PAGE}`,
    [runId, after],
  );
  return rows.map((row: Row) => rowSchema.parse(row));
}

/** The events of a row that come after `after`. A batch has the position of its last one. */
function toEvents(row: EventRow, after: number): RunEvent[] {
  const { position, step, attempt, events } = row;
  if (!events) return [toStepEvent(row)];
  const first = position - events.length + 1;
  return events.map((event, index): RunEvent => {
    const base = { position: first + index, step, attempt };
    return isReset(event) ? { ...base, type: "reset" } : { ...base, type: "model_delta", event };
  }).filter((event) => event.position > after);
}

function isReset(event: JsonValue): boolean {
  return typeof event === "object" && event !== null && "type" in event && event.type === "reset";
}

function toStepEvent({ position, step, attempt, kind, status, name, output }: EventRow): RunEvent {
  const base = { position, step, attempt };
  const called = name ?? "";
  switch (kind) {
    case "model": {
      const { output: items } = z.object({ output: z.json() }).parse(output);
      return { ...base, type: "model_response", agentName: called, output: items };
    }
    case "handoff":
      return { ...base, type: "handoff", agentName: String(output) };
    case "guardrail":
      return { ...base, type: "guardrail", guardrailName: called, output };
    default: {
      const tool = { ...base, toolName: called, callId: callIdOf(step) };
      return status === "failed"
        ? { ...tool, type: "tool_error", error: output }
        : { ...tool, type: "tool_output", output: readableValue(output) };
    }
  }
}

/** The call's id in the key `tool:<place>:<id>`, where agents used as tools have `<call>/` in their places. */
function callIdOf(step: string): string {
  return step.replace(/^(?:.*\/|tool:)[^:]*:/s, "").replace(/#\d+$/, "");
}

/** Sorts out what came of attempts that were made again. */
class Attempts {
  readonly #database: Database;
  readonly #runId: string;
  readonly #after: number;
  /** The last attempt of each step that was made again before the reading began. */
  readonly #last = new Map<string, number>();
  /** The steps of which something was given out. */
  readonly #seen = new Set<string>();

  constructor(database: Database, runId: string, after: number) {
    this.#database = database;
    this.#runId = runId;
    this.#after = after;
  }

  async load(): Promise<void> {
    const rows = await this.#database.query(
      `select step, max(attempt) as attempt from timestep.run_events
       where run_id = $1 and position > $2::bigint and attempt > 1 group by step`,
      [this.#runId, this.#after],
    );
    for (const { step, attempt } of rows) this.#last.set(String(step), Number(attempt));
  }

  /** Whether a reader who has received all before it should get this event. */
  async counts({ type, step, attempt }: RunEvent): Promise<boolean> {
    if (attempt < (this.#last.get(step) ?? 0)) return false;
    if (type === "reset") return this.#seen.delete(step) || await this.#wasSeenBefore(step, attempt);
    if (type === "model_delta") this.#seen.add(step);
    return true;
  }

  /** Whether the reader has had something of an earlier attempt when it read up to `after`. */
  async #wasSeenBefore(step: string, attempt: number): Promise<boolean> {
    if (this.#after === 0) return false;
    const rows = await this.#database.query(
      `select from timestep.run_events
       where run_id = $1 and step = $2 and attempt < $3::int
         and position - json_array_length(events) < $4::bigint limit 1`,
      [this.#runId, step, attempt, this.#after],
    );
    return rows.length > 0;
  }
}
