import type { InputGuardrail, RunContext } from "@openai/agents";
import type { AnyFunctionTool, AnyOutputGuardrail } from "../../agents/any_agent.ts";
import { completeVerdict } from "../../agents/complete_verdict.ts";
import { storableId, storableText } from "../../core/storable_id.ts";
import { runPlainStep } from "../recorded_step.ts";
import { encodeValue, readableValue } from "../recorded_value.ts";
import { recordingScope, type Scope } from "../scope.ts";
import { replaceMethod } from "./replace_method.ts";

/** A definition that a runner makes of a guardrail of its own. */
interface RunnerGuardrail {
  name: string;
  run(parameters: { context: RunContext<unknown> }): Promise<{ output: unknown }>;
}

/** Makes the guardrails of an agent steps of the durable run that they are used in. */
export function instrumentInputGuardrail(guardrail: InputGuardrail): void {
  replaceMethod(guardrail, "execute", (original) =>
    async function (this: InputGuardrail, parameters) {
      return await guardrailStep("input", guardrail.name, parameters.context, () =>
        original.call(this, parameters));
    });
}

/** Makes an output guardrail a step of the durable run that it is used in. */
export function instrumentOutputGuardrail(guardrail: AnyOutputGuardrail): void {
  replaceMethod(guardrail, "execute", (original) =>
    async function (this: AnyOutputGuardrail, parameters) {
      return await guardrailStep("output", guardrail.name, parameters.context, () =>
        original.call(this, parameters));
    });
}

/** Makes a guardrail of a runner a step of the durable run that it is used in. */
export function instrumentRunnerGuardrail(kind: "input" | "output", guardrail: RunnerGuardrail): void {
  replaceMethod(guardrail, "run", (original) =>
    async function (this: RunnerGuardrail, parameters) {
      // What else is in the result is made anew of the parameters: agents, which cannot be recorded.
      const result: { output: unknown } = { output: undefined };
      const output = await guardrailStep(kind, guardrail.name, parameters.context, async () => {
        Object.assign(result, await original.call(this, parameters));
        return result.output;
      });
      return { guardrail: { type: kind, name: guardrail.name }, ...parameters, ...result, output };
    });
}

/** Makes the guardrails of a tool steps of the durable run that they are used in. */
export function instrumentToolGuardrails(tool: AnyFunctionTool): void {
  for (const guardrail of tool.inputGuardrails ?? []) {
    replaceMethod(guardrail, "run", (original) =>
      async function (this: unknown, data) {
        const call = `tool_input:${storableId(data.toolCall.callId)}`;
        return await guardrailStep(call, guardrail.name, data.context, () => original.call(this, data));
      });
  }
  for (const guardrail of tool.outputGuardrails ?? []) {
    replaceMethod(guardrail, "run", (original) =>
      async function (this: unknown, data) {
        const call = `tool_output:${storableId(data.toolCall.callId)}`;
        return await guardrailStep(call, guardrail.name, data.context, () => original.call(this, data));
      });
  }
}

/** Records what a guardrail says as plain data; what it says about it may be anything, and is shown as it can be. */
async function guardrailStep<T>(
  place: string,
  name: string,
  runContext: RunContext<unknown>,
  body: () => T | Promise<T>,
): Promise<T> {
  const scope = recordingScope();
  if (!scope) return await body();
  return await runPlainStep<T>(scope, {
    key: guardrailKey(scope, place, storableId(name)),
    kind: "guardrail",
    name: storableText(name),
    runContext,
    encode: encodeVerdict,
    decode: (recorded) => recorded as T,
  }, async () => completeVerdict(await body()));
}

/** Guardrails of the input run beside the first model call; all others have their turn. */
function guardrailKey(scope: Scope, place: string, name: string): string {
  return place === "input"
    ? `guardrail:${scope.prefix}input:${name}`
    : `guardrail:${scope.prefix}${scope.turn}:${place}:${name}`;
}

/** What JSON can hold of a verdict: of what is said about it perhaps only that it could not be read. */
function encodeVerdict(output: unknown): unknown {
  try {
    JSON.stringify(output);
    return output;
  } catch {
    const { outputInfo, ...verdict } = output as { outputInfo?: unknown };
    return { ...verdict, outputInfo: readableValue(JSON.parse(encodeValue(outputInfo))) };
  }
}
