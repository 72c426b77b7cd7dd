import {
  Handoff,
  type HostedTool,
  type RunContext,
  type Runner,
  type RunToolApprovalItem,
  type Tool,
} from "@openai/agents";
import type { AnyAgent, AnyFunctionTool } from "../../agents/any_agent.ts";
import { storableId } from "../../core/storable_id.ts";
import { UnsupportedToolError } from "../errors.ts";
import { runPlainStep } from "../recorded_step.ts";
import { currentFrame, recordingScope, runInScope, runInStep, Scope } from "../scope.ts";
import { runToolStep } from "../tool_step.ts";
import {
  instrumentInputGuardrail,
  instrumentOutputGuardrail,
  instrumentRunnerGuardrail,
  instrumentToolGuardrails,
} from "./instrument_guardrails.ts";
import { instrumentModel, instrumentModelProvider } from "./instrument_model.ts";
import { replaceMethod } from "./replace_method.ts";
import { agentOfTool, decidesApproval, inheritToolRegistration } from "../../agents/tool_registries.ts";

/** Instruments what a runner brings along: its models and its guardrails. */
export function instrumentRunner(runner: Runner): void {
  const { modelProvider, model } = runner.config;
  instrumentModelProvider(modelProvider);
  if (typeof model === "object") instrumentModel(model);
  // Private in the types only; the contract tests hold the SDK to it.
  const { inputGuardrailDefs, outputGuardrailDefs } = runner as unknown as RunnerInternals;
  for (const guardrail of inputGuardrailDefs) instrumentRunnerGuardrail("input", guardrail);
  for (const guardrail of outputGuardrailDefs) instrumentRunnerGuardrail("output", guardrail);
}

interface RunnerInternals {
  inputGuardrailDefs: Parameters<typeof instrumentRunnerGuardrail>[1][];
  outputGuardrailDefs: Parameters<typeof instrumentRunnerGuardrail>[1][];
}

/** Instruments what an agent has: its model, guardrails, tools and handoffs. */
export function instrumentAgent(agent: AnyAgent): void {
  if (typeof agent.model === "object") instrumentModel(agent.model);
  agent.inputGuardrails.forEach(instrumentInputGuardrail);
  agent.outputGuardrails.forEach(instrumentOutputGuardrail);
  for (const handoff of agent.handoffs) if (handoff instanceof Handoff) instrumentHandoff(handoff);
  instrumentTools(agent.tools, agent.name);
}

/**
 * Instruments tools.
 *
 * @throws {UnsupportedToolError} When a tool acts on this machine in ways that are not recorded.
 */
export function instrumentTools(tools: readonly Tool<unknown>[], agentName: string): void {
  for (const tool of tools) {
    if (tool.type === "function") instrumentFunctionTool(tool);
    else if (tool.type === "hosted_tool") instrumentHostedTool(tool);
    else if (tool.type !== "shell" || tool.environment?.type === "local") {
      const error = new UnsupportedToolError(
        `Cannot run agent "${agentName}" durably: what its tool "${tool.name}" (${tool.type}) does is not recorded, ` +
          `and would be repeated after a crash. Make it a function tool.`,
      );
      recordingScope()?.execution.fail(error);
      throw error;
    }
  }
}

function instrumentFunctionTool(tool: AnyFunctionTool): void {
  const isAgent = agentOfTool(tool) !== undefined;
  replaceMethod(tool, "invoke", (original) => {
    const replacement: AnyFunctionTool["invoke"] = function (this: unknown, runContext, input, details) {
      const call = () => original.call(this, runContext, input, details);
      const frame = currentFrame();
      if (!frame) return call();
      const callId = details?.toolCall?.callId;
      // A tool that another tool's code calls is part of that step, and nothing by itself.
      if (frame.inStep || callId === undefined) return runInStep(frame.scope, undefined, call);
      if (isAgent) return runInScope(nestedScope(frame.scope, callId), call);
      const invocation = { toolName: tool.name, callId, runContext, signal: details?.signal };
      return runToolStep(frame.scope, invocation, call);
    };
    inheritToolRegistration(original, replacement);
    return replacement;
  });
  if (typeof tool.needsApproval === "function" && decidesApproval(tool)) instrumentNeedsApproval(tool);
  instrumentToolGuardrails(tool);
}

/** Where the steps of an agent are that is called as a tool. */
function nestedScope(scope: Scope, callId: string): Scope {
  const prefix = `${scope.prefix}${scope.turn}:${storableId(callId)}/`;
  return new Scope(scope.execution, scope.unique(prefix), scope.context);
}

/** What a user's function decides is recorded: asked again, it might decide otherwise about a call already made. */
function instrumentNeedsApproval(tool: AnyFunctionTool): void {
  replaceMethod(
    tool,
    "needsApproval",
    (original) =>
      async function (this: unknown, runContext, input, callId): Promise<boolean> {
        const call = (): Promise<boolean> => original.call(this, runContext, input, callId);
        const scope = recordingScope();
        if (!scope || callId === undefined) return await call();
        return await runPlainStep<boolean>(scope, {
          key: `approval:${scope.prefix}${scope.turn}:${storableId(callId)}`,
          kind: "approval",
          name: tool.name,
          runContext,
          encode: Boolean,
          decode: Boolean,
        }, call);
      },
  );
}

/** The user's function that decides about the calls of a hosted MCP server. */
type OnApproval = (
  context: RunContext<unknown>,
  item: RunToolApprovalItem,
) => Promise<{ approve: boolean; reason?: string }>;

function instrumentHostedTool(tool: HostedTool): void {
  const data = tool.providerData as { on_approval?: OnApproval } | undefined;
  if (!data?.on_approval) return;
  replaceMethod(
    data as { on_approval: OnApproval },
    "on_approval",
    (original) =>
      async function (this: unknown, runContext, item) {
        const scope = recordingScope();
        if (!scope) return await original.call(this, runContext, item);
        const id = item.rawItem.providerData?.id ?? item.rawItem.id ?? item.name;
        return await runPlainStep(scope, {
          key: `approval:${scope.prefix}${scope.turn}:${storableId(id)}`,
          kind: "approval",
          name: item.name ?? tool.name,
          runContext,
          encode: ({ approve, reason }) => ({ approve, reason }),
          decode: (recorded) => recorded as { approve: boolean; reason?: string },
        }, () => original.call(this, runContext, item));
      },
  );
}

// deno-lint-ignore no-explicit-any -- handoffs of any context and output
function instrumentHandoff(handoff: Handoff<any, any>): void {
  replaceMethod(handoff, "onInvokeHandoff", (original) =>
    async function (this: unknown, runContext, input) {
      const scope = recordingScope();
      if (!scope) return await original.call(this, runContext, input);
      return await runPlainStep(scope, {
        key: `handoff:${scope.prefix}${scope.turn}`,
        kind: "handoff",
        name: handoff.toolName,
        runContext,
        encode: (agent) => agent.name,
        decode: (recorded) => {
          if (recorded === handoff.agent.name) return handoff.agent;
          throw scope.execution.diverged(
            `handoff "${handoff.toolName}" now leads to another agent than "${recorded}"`,
          );
        },
      }, () => original.call(this, runContext, input));
    });
}
