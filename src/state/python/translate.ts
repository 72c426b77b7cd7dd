import type { AgentGraph } from "../../agents/agent_graph.ts";
import { fromPythonApprovals } from "./_approvals.ts";
import { completedInvocations } from "./_calls.ts";
import { assertUnfiltered, translateHistory } from "./_history.ts";
import { type CallNames, callNames, fromPythonItem, type RawItem } from "./_items.ts";
import { assertNoTripwire, assertPaused, requireAgent } from "./_pause.ts";
import { at, parsePythonState, type PythonState } from "./_python_state.ts";
import { fromPythonResponse, type NestedRun } from "./_response.ts";
import { agentName } from "./_run_items.ts";
import { fromPythonUsage } from "./_usage.ts";
import { Losses, type TranslationLoss } from "./losses.ts";
import { RESUME_THERE, StateTranslationError } from "./translation_error.ts";

/** A translated state. */
export interface Translation {
  /** What the TypeScript SDK reads. */
  readonly state: string;
  /** What was left out without harm. */
  readonly losses: readonly TranslationLoss[];
}

/**
 * The version of the TypeScript SDK's snapshots that is written: the one that lets the SDK check calls, outputs and
 * decisions against each other.
 */
const TARGET_SCHEMA_VERSION = "1.22";

/**
 * Translates a paused run of the Python SDK for the agents here. Nothing is changed or executed.
 *
 * @param text What the SDK wrote.
 * @param graph The agents that will go on with the run.
 * @param guardrailsSettled Whether the guardrails of the run's input had finished when it was saved.
 * @throws {StateTranslationError} When what the run needs cannot be carried over; its `code` says what.
 */
export function translatePythonState(
  text: string,
  graph: AgentGraph,
  guardrailsSettled: boolean,
): Translation {
  const losses = new Losses();
  const { state } = translate(parseJson(text), "", { graph, guardrailsSettled, losses });
  return { state: JSON.stringify(state), losses: losses.found };
}

interface Target {
  graph: AgentGraph;
  guardrailsSettled: boolean;
  losses: Losses;
}

function translate(value: unknown, path: string, target: Target): NestedRun {
  const state = parsePythonState(value, path);
  const { interruptions, processed } = assertPaused(state, path, target.guardrailsSettled);
  assertNoTripwire(state, path);
  assertUnfiltered(state, path);
  const currentAgent = agentName(state.current_agent, at(path, "current_agent"));
  const owner = requireAgent(target.graph, currentAgent, at(path, "current_agent"));
  const names = callNames(rawItems(state));
  const response = fromPythonResponse(
    processed,
    at(path, "last_processed_response"),
    owner,
    names,
    (nested, place) => translate(nested, place, target),
  );
  const history = translateHistory(state, path, { interruptions, response, names, graph: target.graph });
  const runs = [
    { context: state.context, path: at(path, "context"), calls: history.calls },
    ...[...response.nested.values()].flatMap((nested) => nested.runs),
  ];
  noteLosses(state, path, target.losses);
  return {
    runs,
    state: {
      $schemaVersion: TARGET_SCHEMA_VERSION,
      currentTurn: state.current_turn,
      currentAgent: { name: currentAgent },
      ...conversationOf(state, path, names),
      context: contextOf(state, fromPythonApprovals(path === "" ? runs : [], target.graph)),
      toolUseTracker: toolUse(state, path, target.graph),
      maxTurns: state.max_turns,
      noActiveAgentRun: false,
      currentTurnInProgress: true,
      ...guardrailResults(state),
      initialInputGuardrailsCompleted: true,
      ...history.fields,
      pendingAgentToolRuns: Object.fromEntries(
        [...response.nested.values()].map(({ key, state: inner }) => [key, JSON.stringify(inner)]),
      ),
      pendingAgentToolRunAliases: {},
      lastProcessedResponse: response.processed,
      ...completedInvocations(history.calls),
      ...optional("reasoningItemIdPolicy", state.reasoning_item_id_policy),
      trace: null,
    },
  };
}

/** What the model was told and answered. */
function conversationOf(state: PythonState, path: string, names: CallNames): Record<string, unknown> {
  const responses = modelResponses(state, path, names);
  return {
    originalInput: typeof state.original_input === "string"
      ? state.original_input
      : translateAll(state.original_input, at(path, "original_input"), names),
    ...(state.pending_input?.length
      ? { pendingInput: translateAll(state.pending_input, at(path, "pending_input"), names) }
      : {}),
    modelResponses: responses,
    ...(responses.length > 0 ? { lastModelResponse: responses.at(-1) } : {}),
    ...optional("conversationId", state.conversation_id),
    ...optional("previousResponseId", state.previous_response_id),
  };
}

function contextOf({ context }: PythonState, approvals: Record<string, unknown>): Record<string, unknown> {
  const { tool_input: toolInput } = context;
  return {
    usage: fromPythonUsage(context.usage),
    ...approvals,
    context: context.context ?? {},
    ...(toolInput === undefined || toolInput === null ? {} : { toolInput }),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text, (key, value: unknown) => {
      if (typeof value === "number" && isInexact(value)) {
        throw new StateTranslationError(
          "unsafe_number",
          key,
          `it holds a number that JavaScript cannot hold exactly (${value}). Keep it as text.`,
        );
      }
      return value;
    });
  } catch (cause) {
    if (cause instanceof StateTranslationError) throw cause;
    throw new StateTranslationError("malformed_state", "", `its state is not JSON. ${RESUME_THERE}`, {
      cause,
    });
  }
}

function isInexact(value: number): boolean {
  return !Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value));
}

function* rawItems(state: PythonState): Generator<RawItem> {
  if (typeof state.original_input !== "string") yield* state.original_input;
  for (const { output } of state.model_responses) yield* output;
  for (const { raw_item } of state.generated_items) yield raw_item;
}

function translateAll(items: readonly RawItem[], path: string, names: CallNames): unknown[] {
  return items.map((item, index) => fromPythonItem(item, at(path, index), names));
}

function modelResponses(state: PythonState, path: string, names: CallNames): Record<string, unknown>[] {
  return state.model_responses.map((response, index) => ({
    usage: fromPythonUsage(response.usage),
    output: translateAll(response.output, at(at(at(path, "model_responses"), index), "output"), names),
    ...optional("responseId", response.response_id),
    ...optional("requestId", response.request_id),
  }));
}

function toolUse(state: PythonState, path: string, graph: AgentGraph): Record<string, string[]> {
  const place = at(path, "tool_use_tracker");
  for (const agent of Object.keys(state.tool_use_tracker)) requireAgent(graph, agent, at(place, agent));
  return state.tool_use_tracker;
}

const BEHAVIORS = { allow: "allow", "reject_content": "rejectContent", "raise_exception": "throwException" };

function guardrailResults(state: PythonState): Record<string, unknown> {
  const ofTools = (results: PythonState["tool_input_guardrail_results"]) =>
    results.map(({ guardrail, output: { outputInfo, behavior } }) => ({
      guardrail,
      output: { outputInfo, behavior: { ...behavior, type: BEHAVIORS[behavior.type] } },
    }));
  return {
    inputGuardrailResults: state.input_guardrail_results,
    outputGuardrailResults: state.output_guardrail_results,
    toolInputGuardrailResults: ofTools(state.tool_input_guardrail_results),
    toolOutputGuardrailResults: ofTools(state.tool_output_guardrail_results),
  };
}

function optional(name: string, value: string | null | undefined): Record<string, string> {
  return value === null || value === undefined ? {} : { [name]: value };
}

function noteLosses(state: PythonState, path: string, losses: Losses): void {
  if (state.generated_prompt_cache_key) {
    losses.add(at(path, "generated_prompt_cache_key"), "the key under which the provider caches the prompt");
  }
  if (state.trace) losses.add(at(path, "trace"), "the trace that the run was part of");
  if (state.context.context_meta?.requires_deserializer) {
    losses.add(at(path, "context.context_meta"), "the class of the context: it is a plain object here");
  }
}
