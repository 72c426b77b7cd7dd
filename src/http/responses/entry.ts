import { z } from "zod";

/** A piece of a run's stream: a step of the journal that is over, or a batch of a model's events. */
export type Entry = StepEntry | EventsEntry;

/** A step that is over. */
export interface StepEntry {
  kind: "model" | "tool" | "guardrail";
  position: number;
  /** Names the step within its run, and with it where in the run it is. */
  step: string;
  status: "completed" | "failed";
  /** The agent, the tool or the guardrail. */
  name: string;
  output: unknown;
}

/** Events that a model's answer began with. */
export interface EventsEntry {
  kind: "events";
  position: number;
  step: string;
  attempt: number;
  events: unknown[];
}

const stepSchema = z.object({
  kind: z.enum(["model", "tool", "guardrail"]),
  position: z.number(),
  step: z.string(),
  status: z.enum(["completed", "failed"]),
  name: z.string().nullable().transform((name) => name ?? ""),
  output: z.unknown(),
});
const eventsSchema = z.object({
  kind: z.literal("events"),
  position: z.number(),
  step: z.string(),
  attempt: z.number(),
  events: z.array(z.unknown()),
});
const entrySchema = z.union([stepSchema, eventsSchema]);

/** Parses a row of the run's stream. */
export function parseEntry(row: unknown): Entry {
  return entrySchema.parse(row);
}

/** Where a step is in its run. */
export interface StepPlace {
  segment: number;
  /** How many model calls the agent had completed; of a model call: with itself. */
  turn: number;
  /** The call that it belongs to; of a model call of the run itself: empty. */
  rest: string;
}

/** Reads `<kind>:<segment>.<turn>[:<call>][...]`, the key of a step. */
export function placeOf(step: string): StepPlace | null {
  const [, segment, turn, rest] = /^[a-z]+:(\d+)\.(\d+)(?::(.*))?$/s.exec(step) ?? [];
  return segment === undefined ? null : { segment: Number(segment), turn: Number(turn), rest: rest ?? "" };
}
