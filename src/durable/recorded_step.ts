import type { RunContext } from "@openai/agents";
import type { RecordedStep, StepKind } from "./journal_row.ts";
import { runInStep, type Scope } from "./scope.ts";

/** A step that is neither a model call nor a tool call: a guardrail, a handoff, an approval, a use of a session. */
export interface PlainStep<T> {
  /** Names the step in its scope. */
  key: string;
  kind: StepKind;
  name: string;
  /** The context that the step may change. */
  runContext?: RunContext<unknown>;
  /** What to record of the result: JSON. */
  encode(result: T): unknown;
  /** The result, from what was recorded of it. */
  decode(recorded: unknown): T;
}

/**
 * Does a step, or gives what was recorded of it. A step that throws is not recorded: it is done again.
 *
 * @param body Does it.
 */
export async function runPlainStep<T>(
  scope: Scope,
  step: PlainStep<T>,
  body: () => T | Promise<T>,
): Promise<T> {
  const key = scope.unique(step.key);
  const recorded = scope.execution.take(key);
  if (recorded) return replay(scope, step, recorded);
  const result = await runInStep(scope, undefined, body);
  scope.execution.record({
    key,
    kind: step.kind,
    status: "completed",
    name: step.name,
    output: JSON.stringify(step.encode(result)),
    contextPatch: scope.patchContext(step.runContext),
  });
  return result;
}

function replay<T>(scope: Scope, step: PlainStep<T>, recorded: RecordedStep): T {
  if (step.runContext) scope.context?.restore(step.runContext, recorded);
  return step.decode(recorded.output);
}
