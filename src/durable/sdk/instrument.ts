import { Agent, Handoff, RunContext, Runner, RunState } from "@openai/agents";
import { recordedFunctionCalls } from "../model_step.ts";
import { DurableSession } from "../durable_session.ts";
import { recordingScope, runInScope } from "../scope.ts";
import { listingFailed } from "../tool_listing.ts";
import { instrumentAgent, instrumentRunner, instrumentTools } from "./instrument_agent.ts";
import { instrumentCommits } from "./instrument_commits.ts";
import { KeptCopies } from "./kept_copies.ts";
import { type InputOptions, runWithInput } from "./run_input.ts";

let installed = false;

/**
 * Makes the SDK record what it does inside of a durable run. Outside of one, everything is as it was.
 *
 * What is replaced, once, on the prototypes: `Runner.run`, where a run or a nested run begins;
 * `Agent.getAllTools` and `Agent.getEnabledHandoffs`, which it asks before each model call;
 * `RunState.recordToolSearchRuntimeTools`, for tools that are found while a run is under way. They see to it that the
 * model, tools, guardrails and handoffs of the agent at hand are instrumented, in place: copies would lose what
 * the SDK keeps about the originals.
 */
export function instrumentSdk(): void {
  if (installed) return;
  installed = true;
  instrumentRun();
  instrumentCapabilities();
  instrumentCommits();
}

function instrumentRun(): void {
  const original = Runner.prototype.run as (...parameters: unknown[]) => Promise<unknown>;
  Runner.prototype.run = function (this: Runner, agent: Agent, input: unknown, options: RunOptions = {}) {
    const outer = recordingScope();
    if (!outer) return original.call(this, agent, input, options);
    const state = input instanceof RunState ? input : undefined;
    const context = state?._context ?? toRunContext(options.context);
    const scope = outer.enter(context);
    scope.agentName = state?._currentAgent.name ?? agent.name;
    instrumentRunner(this);
    instrumentAgent(agent);
    if (state) instrumentAgent(state._currentAgent);
    const recorded = {
      ...options,
      ...(state ? {} : { context }),
      ...(options.session ? { session: new DurableSession(options.session, scope) } : {}),
    };
    const run = (input: unknown, options: RunOptions) => original.call(this, agent, input, options);
    return runInScope(scope, () => runWithInput(this, scope, input, recorded, run));
  } as typeof Runner.prototype.run;
}

/** What is looked at of the options of a run. */
interface RunOptions extends InputOptions {
  context?: unknown;
  session?: ConstructorParameters<typeof DurableSession>[0];
}

/** The context that the SDK would make of this option. */
function toRunContext(context: unknown): RunContext<unknown> {
  return context instanceof RunContext ? context : new RunContext(context);
}

function instrumentCapabilities(): void {
  const { getAllTools, getEnabledHandoffs } = Agent.prototype;
  Agent.prototype.getAllTools = async function (runContext, tracingParent) {
    const scope = recordingScope();
    if (!scope) return await getAllTools.call(this, runContext, tracingParent);
    KeptCopies.prepareCall(scope);
    const tools = await getAllTools.call(this, runContext, tracingParent)
      .catch((error) => listingFailed(scope, this, error));
    scope.agentName = this.name;
    instrumentAgent(this);
    // A tool that the model has called was enabled then, whatever it is now.
    const called = recordedFunctionCalls(scope);
    for (const tool of this.tools) {
      if (tool.type === "function" && called.has(tool.name) && !tools.includes(tool)) tools.push(tool);
    }
    if (this.name === scope.callersAgent) tools.push(...scope.execution.callerTools);
    instrumentTools(tools, this.name);
    return tools;
  };
  Agent.prototype.getEnabledHandoffs = async function (runContext) {
    const scope = recordingScope();
    if (!scope) return await getEnabledHandoffs.call(this, runContext);
    instrumentAgent(this);
    const handoffs = await getEnabledHandoffs.call(this, runContext);
    // As with tools. Agents that are handed over to without a Handoff of their own are always enabled.
    const called = recordedFunctionCalls(scope);
    for (const handoff of this.handoffs) {
      const wasEnabled = handoff instanceof Handoff && called.has(handoff.toolName);
      if (wasEnabled && !handoffs.includes(handoff)) handoffs.push(handoff);
    }
    return handoffs;
  };
  // A tool may be called in the very response that finds it.
  const { recordToolSearchRuntimeTools } = RunState.prototype;
  RunState.prototype.recordToolSearchRuntimeTools = function (agent, output, tools) {
    if (recordingScope()) instrumentTools(tools, agent.name);
    recordToolSearchRuntimeTools.call(this, agent, output, tools);
  };
}
