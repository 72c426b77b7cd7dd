import { z } from "zod";
import { assertStorableName } from "../database/storable_name.ts";

/** The queue of runs that start at once: it has no limits. */
export const DIRECT_QUEUE = "agents_direct";

/** The queue of runs that were given none. */
export const DEFAULT_QUEUE = "agents";

/** The queue of runs that were given none, but a partition key. */
export const PARTITIONED_QUEUE = "agents_by_partition";

/** How a run is dispatched, as recorded with it. */
const dispatchSchema = z.object({
  applicationName: z.string(),
  queueName: z.string(),
  priority: z.number().int().optional(),
  partitionKey: z.string().optional(),
  deduplicationId: z.string().optional(),
  timeoutSeconds: z.number().positive().optional(),
  sessionKind: z.enum(["database", "openai_conversations"]).optional(),
});

/** How a run is dispatched. */
export type Dispatch = z.infer<typeof dispatchSchema>;

/** @throws When `value` is not what was recorded for a run that is a workflow. */
export function parseDispatch(value: unknown): Dispatch {
  return dispatchSchema.parse(value);
}

/** The name of the DBOS workflow that every dispatch of a run is. */
export const WORKFLOW_NAME = "agentRun";

/** Constant: DBOS must not tie runs to a version of the code, as their agents' fingerprints look after that. */
export function applicationVersion(applicationName: string): string {
  return `timestep:${applicationName}`;
}

/**
 * The id of a run, and of the workflow that starts it.
 *
 * @throws {TypeError} When it is empty, can't be stored or looks like the id of a continuation.
 */
export function checkedWorkflowId(workflowId: string | undefined): string {
  if (workflowId === undefined) return crypto.randomUUID();
  if (workflowId === "") {
    throw new TypeError("Cannot start a run: workflowId is empty. Leave it out or fill it.");
  }
  assertStorableName("workflowId", workflowId);
  if (/:[rt]\d+$/.test(workflowId)) {
    throw new TypeError(
      `Cannot start run "${workflowId}": ids that end in :r or :t and a number are those of continuations. ` +
        "Use another workflowId.",
    );
  }
  return workflowId;
}

/** The workflow of a run's part: the run's own id, then `<runId>:r1`, `<runId>:r2`, ... */
export function segmentWorkflowId(runId: string, segment: number): string {
  return segment === 0 ? runId : `${runId}:r${segment}`;
}
