/** What cannot be carried over from Python is refused with its code and place, before anything else is done. */
import { assertEquals, assertThrows } from "@std/assert";
import { agentGraph } from "../../src/agents/agent_graph.ts";
import { functionFingerprint, hostedMcpFingerprint } from "../../src/state/python/_fingerprint.ts";
import { StateTranslationError, type TranslationCode } from "../../src/state/python/translation_error.ts";
import { translatePythonState } from "../../src/state/python/translate.ts";
import type { Vector } from "../vectors/scenario.ts";
import { Stage } from "../vectors/stage.ts";

type Json = Record<string, unknown>;
const vectors = new URL("../vectors/", import.meta.url);
const read = (name: string): Vector => JSON.parse(Deno.readTextFileSync(new URL(name, vectors)));

/** A damage: where, and what is put there instead. */
const refused: [code: TranslationCode, place: string, value: unknown, vector?: string][] = [
  ["unknown_schema_version", "$schemaVersion", "1.99"],
  ["malformed_state", "current_turn", "one"],
  ["malformed_state", "surprise", 1],
  ["not_interrupted", "current_step", null],
  ["response_unprocessed", "last_processed_response", null],
  ["response_unprocessed", "current_step.data.response_accepted", true],
  ["sandbox", "sandbox", {}],
  ["session_write_pending", "pending_session_write", {}],
  ["session_write_pending", "current_turn_persisted_item_count", 1],
  ["context_not_saved", "context.context_meta.omitted", true],
  ["unsafe_number", "context.context", { n: 2 ** 60 }],
  ["handoff_pending", "last_processed_response.handoffs", [{}]],
  ["local_mcp_call", "last_processed_response.mcp_tool_bindings", { call_1: {} }],
  ["unsupported_call", "last_processed_response.shell_actions", [{}]],
  ["unsupported_item", "generated_items.0.type", "tool_search_call_item", "hosted_web_search_in_history"],
  ["tool_not_found", "last_processed_response.functions.0.tool.name", "get_nothing"],
  ["agent_not_found", "current_agent.name", "Nobody"],
  ["duplicate_agent", "current_agent.identity", "Weather Assistant#2"],
  ["call_unaccounted", "generated_items.2.type", "tool_approval_item"],
  ["call_id_reused", "generated_items.1.raw_item.call_id", "call_t"],
  ["history_filtered", "session_items", []],
  ["history_filtered", "last_processed_response.new_items.0.raw_item.name", "another"],
  ["unsupported_approval", "context.function_tool_approvals", [{
    agent: { name: "Weather Assistant" },
    tool_key: "get_weather",
    decision: { approved: ["call_of_another_run"], rejected: [] },
  }]],
  ["guardrail_tripped", "input_guardrail_results", [{ output: { tripwireTriggered: true } }]],
];

for (const [code, place, value, vector = "parallel_call_already_completed"] of refused) {
  Deno.test(`translatePythonState() refuses ${code} when ${place} is ${JSON.stringify(value)}`, () => {
    const { scenario, pauses: [pause] } = read(`${vector}.python.json`);
    const state = structuredClone(pause?.state ?? {});
    put(state, place.split("."), value);
    if (place.startsWith("generated_items")) delete state["session_items"];
    const graph = agentGraph(new Stage(scenario).agent);
    const error = assertThrows(
      () => translatePythonState(JSON.stringify(state), graph, true),
      StateTranslationError,
    );
    assertEquals(error.code, code);
  });
}

Deno.test("translatePythonState() refuses a run whose guardrails are not known to have finished", () => {
  const { scenario, pauses: [pause] } = read("approve.python.json");
  const graph = agentGraph(new Stage(scenario).agent);
  const error = assertThrows(
    () => translatePythonState(JSON.stringify(pause?.state), graph, false),
    StateTranslationError,
  );
  assertEquals(error.code, "guardrails_unsettled");
});

Deno.test("translatePythonState() says what it left out", () => {
  const { scenario, pauses: [pause] } = read("approve.python.json");
  const graph = agentGraph(new Stage(scenario).agent);
  const { losses } = translatePythonState(JSON.stringify(pause?.state), graph, true);
  assertEquals(losses.map(({ path }) => path), ["generated_prompt_cache_key"]);
});

function put(target: Json, [step = "", ...rest]: string[], value: unknown): void {
  if (rest.length > 0) put(target[step] as Json, rest, value);
  else target[step] = value;
}

Deno.test("fingerprints are those that the SDK writes", () => {
  let compared = 0;
  for (const { name } of Deno.readDirSync(vectors)) {
    if (!name.endsWith(".typescript.json")) continue;
    for (const { state } of read(name).pauses) compared += compareFingerprints(state as unknown as Saved);
  }
  assertEquals(compared > 20, true);
});

interface Saved {
  generatedItems: { type: string; rawItem: Json & { providerData?: Json } }[];
  completedToolInvocations: { invocations: Record<string, string> }[];
  context: { approvalInvocations: { invocations: Record<string, string> }[] };
}

function compareFingerprints({ generatedItems, completedToolInvocations, context }: Saved): number {
  const written = Object.assign(
    {},
    ...[...completedToolInvocations, ...context.approvalInvocations].map(({ invocations }) => invocations),
  ) as Record<string, string>;
  let compared = 0;
  for (const { type, rawItem: { callId, name, arguments: args, providerData = {} } } of generatedItems) {
    const ofFunction = written[String(callId)];
    const ofServer = written[String(providerData["id"])];
    if (ofFunction !== undefined && args !== undefined) {
      const tool = type === "handoff_call_item" ? `handoff:${name}` : JSON.stringify(["bare", name]);
      assertEquals(functionFingerprint(tool, String(args)), ofFunction);
      compared += 1;
    } else if (ofServer !== undefined && name === "mcp_approval_request") {
      const { server_label: label, name: tool, arguments: given } = providerData;
      assertEquals(hostedMcpFingerprint(String(label), String(tool), given), ofServer);
      compared += 1;
    }
  }
  return compared;
}
