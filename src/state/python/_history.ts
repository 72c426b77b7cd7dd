import type { AgentGraph } from "../../agents/agent_graph.ts";
import { accountForCalls, type Call, type PlacedItem } from "./_calls.ts";
import type { CallNames } from "./_items.ts";
import { requireAgent } from "./_pause.ts";
import { at, type PythonRunItem, type PythonState } from "./_python_state.ts";
import type { Response } from "./_response.ts";
import { agentName, fromPythonRunItem, type RunItem } from "./_run_items.ts";
import { RESUME_THERE, StateTranslationError } from "./translation_error.ts";

/** What a run's history is translated with. */
export interface HistoryParts {
  interruptions: readonly PythonRunItem[];
  response: Response;
  names: CallNames;
  graph: AgentGraph;
}

/**
 * Translates what was done and what is asked: the run's items, its questions, and what the session holds of them.
 *
 * @returns The run's calls, and these fields of a snapshot.
 * @throws {StateTranslationError} `history_filtered`, `session_write_pending`, and what a call is refused for.
 */
export function translateHistory(
  state: PythonState,
  path: string,
  { interruptions, response, names, graph }: HistoryParts,
): { calls: ReadonlyMap<string, Call>; fields: Record<string, unknown> } {
  const history = state.generated_items
    .map((item, index): PlacedItem => ({ item, path: at(at(path, "generated_items"), index) }))
    .filter(({ item }) => item.type !== "tool_approval_item");
  for (const { item, path: place } of history) assertAgents(item, place, graph);
  const waiting = new Set([...interruptions.map(callId), ...response.nested.keys()]);
  const calls = accountForCalls(history, waiting, state.context.tool_invocations);
  const own = ordered(interruptions.filter((item) => calls.has(callId(item))), calls);
  const others = interruptions.filter((item) => !calls.has(callId(item)));
  const questions = (found: readonly PythonRunItem[]) =>
    found.map((item, index) => fromPythonRunItem(item, at(at(path, "interruptions"), index), names));
  const items = history.map(({ item, path: place }) => fromPythonRunItem(item, place, names));
  const generatedItems = [...items, ...questions(own)];
  const start = ownStart(items, response.newItems, at(path, "generated_items"));
  const isOwned = others.length === 0 && response.nested.size === 0 && !response.hasHosted;
  return {
    calls,
    fields: {
      currentStep: {
        type: "next_step_interruption",
        data: { interruptions: questions([...own, ...others]) },
      },
      generatedItems,
      ...(isOwned
        ? { currentResponseGeneratedItemOwnership: ownership(start, items.length, own.length) }
        : {}),
      currentTurnPersistedItemCount: persisted(state, path, items.length - start, generatedItems.length),
    },
  };
}

/** Which of the run's items came of the answer that is being processed: these to the end, the questions last. */
function ownership(start: number, items: number, questions: number): Record<string, unknown> {
  return {
    generatedItemStartIndex: start,
    generatedItemEndIndexExclusive: items + questions,
    interruptionGeneratedItemIndexes: Array.from({ length: questions }, (_, index) => items + index),
    // The SDK asks only whether it is known; which answer a result belongs to, Python does not say.
    toolOutputGuardrailResultStartIndex: 0,
  };
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
export function assertUnfiltered(state: PythonState, path: string): void {
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
