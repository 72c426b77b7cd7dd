import type { AgentGraph } from "../../agents/agent_graph.ts";
import { at, type PythonState } from "./_python_state.ts";
import { RESUME_THERE, StateTranslationError, type TranslationCode } from "./translation_error.ts";

type Processed = NonNullable<PythonState["last_processed_response"]>;

/**
 * Refuses a run that is not paused for approvals with everything else settled.
 *
 * @returns What it waits for, and the model's answer that it is in the middle of.
 * @throws {StateTranslationError} With a code for each reason.
 */
export function assertPaused(
  state: PythonState,
  path: string,
  guardrailsSettled: boolean,
): { interruptions: Processed["interruptions"]; processed: Processed } {
  const refuse = (code: TranslationCode, place: string, message: string) =>
    new StateTranslationError(code, at(path, place), message);
  const step = state.current_step;
  if (step?.type !== "next_step_interruption" || !step.data) {
    throw refuse(
      "not_interrupted",
      "current_step",
      `only a run that waits for approvals can be carried over. ${RESUME_THERE}`,
    );
  }
  const processed = state.last_processed_response;
  if (!processed || step.data.response_accepted) {
    throw refuse(
      "response_unprocessed",
      "last_processed_response",
      `the last answer of the model was not processed yet. ${RESUME_THERE}`,
    );
  }
  if (state.sandbox !== undefined && state.sandbox !== null) {
    throw refuse("sandbox", "sandbox", `it has a sandbox, which belongs to Python. ${RESUME_THERE}`);
  }
  if (state.pending_session_write !== undefined && state.pending_session_write !== null) {
    throw refuse(
      "session_write_pending",
      "pending_session_write",
      `the session was not written to the end. ${RESUME_THERE}`,
    );
  }
  if (state.terminal_unrecoverable) {
    throw refuse("not_interrupted", "terminal_unrecoverable", "the run has failed and cannot go on.");
  }
  if (!guardrailsSettled) {
    throw refuse(
      "guardrails_unsettled",
      "input_guardrail_results",
      "it is not certain that the guardrails of the input had finished when it was saved. Wait for the end of the " +
        "run in Python before saving it.",
    );
  }
  assertOnlyFunctions(processed, at(path, "last_processed_response"));
  assertContext(state, path);
  return { interruptions: step.data.interruptions, processed };
}

const OTHER_ACTIONS = [
  "computer_actions",
  "custom_tool_actions",
  "local_shell_actions",
  "shell_actions",
  "apply_patch_actions",
] as const;

function assertOnlyFunctions(processed: Processed, path: string): void {
  for (const name of OTHER_ACTIONS) {
    if (processed[name].length === 0) continue;
    throw new StateTranslationError(
      "unsupported_call",
      at(path, name),
      `the model called a tool that only one of the SDKs has. ${RESUME_THERE}`,
    );
  }
  if (processed.handoffs.length > 0) {
    throw new StateTranslationError(
      "handoff_pending",
      at(path, "handoffs"),
      `the model asked for a handoff beside a call that waits for approval. ${RESUME_THERE}`,
    );
  }
  if (Object.keys(processed.mcp_tool_bindings ?? {}).length > 0) {
    throw new StateTranslationError(
      "local_mcp_call",
      at(path, "mcp_tool_bindings"),
      `the model called a tool of a local MCP server, which is bound to the process that it runs in. ${RESUME_THERE}`,
    );
  }
}

function assertContext({ context }: PythonState, path: string): void {
  if (!context.context_meta?.omitted) return;
  throw new StateTranslationError(
    "context_not_saved",
    at(path, "context"),
    "its context could not be saved as JSON. Make it a dict, or give the Python SDK a serializer.",
  );
}

/** Refuses results of guardrails that stop the run. */
export function assertNoTripwire(state: PythonState, path: string): void {
  for (const name of ["input_guardrail_results", "output_guardrail_results"] as const) {
    const index = state[name].findIndex(({ output }) => output.tripwireTriggered);
    if (index >= 0) throw tripped(at(at(path, name), index));
  }
  for (const name of ["tool_input_guardrail_results", "tool_output_guardrail_results"] as const) {
    const index = state[name].findIndex(({ output }) => output.behavior.type === "raise_exception");
    if (index >= 0) throw tripped(at(at(path, name), index));
  }
}

function tripped(path: string): StateTranslationError {
  return new StateTranslationError(
    "guardrail_tripped",
    path,
    "a guardrail has tripped: the run must not go on. Start a new one.",
  );
}

/**
 * Refuses an agent that is not there, or is there more than once.
 *
 * @throws {StateTranslationError} `agent_not_found` or `duplicate_agent`.
 */
export function requireAgent(graph: AgentGraph, name: string, path: string): AgentGraph["agents"][number] {
  const [found, another] = graph.agents.filter((agent) => agent.name === name);
  if (!found) {
    const known = graph.agents.map((agent) => `"${agent.name}"`).join(", ");
    throw new StateTranslationError(
      "agent_not_found",
      path,
      `it needs the agent "${name}"; known here: ${known}. Load it with the agents that it was saved with.`,
    );
  }
  if (another) {
    throw new StateTranslationError(
      "duplicate_agent",
      path,
      `several agents are called "${name}". Give each agent its own name.`,
    );
  }
  return found;
}
