import { z } from "zod";
import { type CallerTool, callerToolSchema } from "./caller_tool.ts";
import { assertSerializable } from "./context_tracker.ts";
import type { JsonValue } from "../core/json_value.ts";

/** What is recorded of how to run: parsed when it is read, as everything from the database. */
const runOptionsSchema = z.object({
  stream: z.boolean().optional(),
  maxTurns: z.number().int().positive().nullable().optional(),
  context: z.json().optional(),
  callerTools: z.array(callerToolSchema).optional(),
});

/** How to run, as recorded with the run. */
export interface RunOptions {
  stream?: boolean | undefined;
  maxTurns?: number | null | undefined;
  context?: JsonValue | undefined;
  callerTools?: CallerTool[] | undefined;
}

/**
 * The options as JSON, without those that are not set.
 *
 * @throws {ContextNotSerializableError} When the context holds what JSON cannot.
 * @throws {RangeError} When `maxTurns` is not a number of turns.
 */
export function serializeRunOptions({ stream, maxTurns, context, callerTools }: RunOptions): string {
  assertSerializable(context);
  if (maxTurns !== undefined && maxTurns !== null && !(Number.isInteger(maxTurns) && maxTurns > 0)) {
    throw new RangeError(
      `Cannot create a run: maxTurns is ${
        JSON.stringify(maxTurns)
      }, but has to be an integer from 1, or null for no limit.`,
    );
  }
  if (stream !== undefined && typeof stream !== "boolean") {
    throw new TypeError(
      `Cannot create a run: stream is ${JSON.stringify(stream)}, but has to be true or false.`,
    );
  }
  return JSON.stringify(runOptionsSchema.parse({ stream, maxTurns, context, callerTools }));
}

/** @throws When `value` is not what {@linkcode serializeRunOptions} wrote. */
export function parseRunOptions(value: unknown): RunOptions {
  return runOptionsSchema.parse(value ?? {});
}
