import type { AgentGraph } from "../../agents/agent_graph.ts";
import { fromPythonApprovals } from "./_approvals.ts";
import { accountForCalls, type Call, completedInvocations, type PlacedItem } from "./_calls.ts";
import { type CallNames, callNames, fromPythonItem, type RawItem } from "./_items.ts";
import { assertNoTripwire, assertPaused, requireAgent } from "./_pause.ts";
import { at, parsePythonState, type PythonRunItem, type PythonState } from "./_python_state.ts";
import { fromPythonResponse, type NestedRun } from "./_response.ts";
import { agentName, fromPythonRunItem, type RunItem } from "./_run_items.ts";
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
  const history = state.generated_items
    .map((item, index): PlacedItem => ({ item, path: at(at(path, "generated_items"), index) }))
    .filter(({ item }) => item.type !== "tool_approval_item");
  for (const { item, path: place } of history) assertAgents(item, place, target.graph);
  const waiting = new Set([...interruptions.map(callId), ...response.nested.keys()]);
  const calls = accountForCalls(history, waiting, state.context.tool_invocations);
  const own = ordered(interruptions.filter((item) => calls.has(callId(item))), calls);
  const questions = (found: readonly PythonRunItem[]) =>
    found.map((item, index) => fromPythonRunItem(item, at(at(path, "interruptions"), index), names));
  const items = history.map(({ item, path: place }) => fromPythonRunItem(item, place, names));
  const generatedItems = [...items, ...questions(own)];
  const start = ownStart(items, response.newItems, at(path, "generated_items"));
  const runs = [
    { context: state.context, path: at(path, "context"), calls },
    ...[...response.nested.values()].flatMap((nested) => nested.runs),
  ];
  const responses = modelResponses(state, path, names);
  noteLosses(state, path, target.losses);
  const others = interruptions.filter((item) => !calls.has(callId(item)));
  return {
    runs,
    state: {
      $schemaVersion: TARGET_SCHEMA_VERSION,
      currentTurn: state.current_turn,
      currentAgent: { name: currentAgent },
      originalInput: typeof state.original_input === "string"
        ? state.original_input
        : translateAll(state.original_input, at(path, "original_input"), names),
      ...(state.pending_input?.length
        ? { pendingInput: translateAll(state.pending_input, at(path, "pending_input"), names) }
        : {}),
      modelResponses: responses,
      ...(responses.length > 0 ? { lastModelResponse: responses.at(-1) } : {}),
      context: {
        usage: fromPythonUsage(state.context.usage),
        ...fromPythonApprovals(path === "" ? runs : [], target.graph),
        context: state.context.context ?? {},
        ...(state.context.tool_input === undefined || state.context.tool_input === null
          ? {}
          : { toolInput: state.context.tool_input }),
      },
      toolUseTracker: toolUse(state, path, target.graph),
      maxTurns: state.max_turns,
      noActiveAgentRun: false,
      currentTurnInProgress: true,
      ...guardrailResults(state),
      initialInputGuardrailsCompleted: true,
      currentStep: {
        type: "next_step_interruption",
        data: { interruptions: questions([...own, ...others]) },
      },
      generatedItems,
      ...(own.length === interruptions.length && response.nested.size === 0 && !response.hasHosted
        ? {
          currentResponseGeneratedItemOwnership: {
            generatedItemStartIndex: start,
            generatedItemEndIndexExclusive: generatedItems.length,
            interruptionGeneratedItemIndexes: own.map((_, index) => items.length + index),
            // The SDK asks only whether it is known; which answer a result belongs to, Python does not say.
            toolOutputGuardrailResultStartIndex: 0,
          },
        }
        : {}),
      pendingAgentToolRuns: Object.fromEntries(
        [...response.nested.values()].map(({ key, state: inner }) => [key, JSON.stringify(inner)]),
      ),
      pendingAgentToolRunAliases: {},
      lastProcessedResponse: response.processed,
      currentTurnPersistedItemCount: persisted(state, path, items.length - start, generatedItems.length),
      ...completedInvocations(calls),
      ...optional("conversationId", state.conversation_id),
      ...optional("previousResponseId", state.previous_response_id),
      ...optional("reasoningItemIdPolicy", state.reasoning_item_id_policy),
      trace: null,
    },
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

function callId({ raw_item: raw }: PythonRunItem): string {
  return String(raw["call_id"] ?? raw["id"]);
}

/** The questions in the order of the calls that they are about. */
function ordered(
  interruptions: readonly PythonRunItem[],
  calls: ReadonlyMap<string, Call>,
): PythonRunItem[] {
  const place = (item: PythonRunItem) => calls.get(callId(item))?.callIndex ?? Infinity;
  return interruptions.toSorted((left, right) => place(left) - place(right));
}

/**
 * Where the items of the answer that is being processed begin among those of the run.
 *
 * @throws {StateTranslationError} `history_filtered` when they are not there, or at several places.
 */
function ownStart(items: readonly RunItem[], newItems: readonly RunItem[], path: string): number {
  const all = items.map((item) => JSON.stringify(item));
  const own = newItems.map((item) => JSON.stringify(item));
  const starts = [...all.keys()].filter((start) => own.every((item, index) => all[start + index] === item));
  const [start] = starts;
  if (start !== undefined && starts.length === 1) return start;
  throw new StateTranslationError(
    "history_filtered",
    path,
    `the last answer of the model is not in its history, or not at one place: a handoff filtered it. ${RESUME_THERE}`,
  );
}

/**
 * How many items the session holds. Python counts the items of the current answer without its questions, TypeScript
 * all that were generated; only "none" and "all" mean the same for certain.
 *
 * @throws {StateTranslationError} `session_write_pending` for anything between.
 */
function persisted(state: PythonState, path: string, own: number, all: number): number {
  const count = state.current_turn_persisted_item_count;
  if (count === 0) return 0;
  if (count === own) return all;
  throw new StateTranslationError(
    "session_write_pending",
    at(path, "current_turn_persisted_item_count"),
    `its session holds ${count} of the ${own} items of the last answer. ${RESUME_THERE}`,
  );
}

/** A handoff can give the next agent another history than the session gets. The TypeScript SDK keeps one. */
function assertUnfiltered(state: PythonState, path: string): void {
  const kept = (items: readonly PythonRunItem[]) =>
    JSON.stringify(items.filter(({ type }) => type !== "tool_approval_item").map(({ raw_item }) => raw_item));
  if (!state.session_items || kept(state.session_items) === kept(state.generated_items)) return;
  throw new StateTranslationError(
    "history_filtered",
    at(path, "session_items"),
    `a handoff filtered its history. ${RESUME_THERE}`,
  );
}

function assertAgents(item: PythonRunItem, path: string, graph: AgentGraph): void {
  for (const key of ["agent", "source_agent", "target_agent"] as const) {
    const reference = item[key];
    if (reference) requireAgent(graph, agentName(reference, at(path, key)), at(path, key));
  }
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
