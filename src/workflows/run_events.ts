import { assertOptions } from "../core/assert_options.ts";
import { readRunEvents as readEvents, type ReadRunEventsOptions } from "../durable/read_run_events.ts";
import type { RunEvent } from "../durable/run_event.ts";
import { workflowDatabase } from "./_database.ts";
import { checkRunId } from "./runs.ts";

/**
 * The events of a run in order, from any process, live and afterwards: those that are there, and then new ones as
 * they come, until the run has ended or waits for a person. With `after`, the position of the last event that was
 * received, the reading goes on there, and each event comes once.
 *
 * If a model call is cut off by a crash it is made again: who has seen part of the first attempt gets a `reset` with
 * the step's key before the second, and who has not gets only the second.
 *
 * @param runId The run.
 * @param options From where, and until when, to read.
 * @throws {RunNotFoundError} When there is no such run.
 */
export async function* readRunEvents(
  runId: string,
  options: ReadRunEventsOptions = {},
): AsyncGenerator<RunEvent, void, undefined> {
  checkRunId(runId);
  assertOptions("read events", options);
  yield* readEvents(await workflowDatabase(), runId, options);
}
