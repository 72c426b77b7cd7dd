// deno-lint-ignore-file camelcase -- the state of Python has its own names
import { RunState } from "@openai/agents";
import { agentGraph } from "../../src/agents/agent_graph.ts";
import { translatePythonState } from "../../src/state/python/translate.ts";
import { isPythonThere, PYTHON } from "../state/_python_peer.ts";
import vector from "../vectors/parallel_call_already_completed.python.json" with { type: "json" };
import type { Scenario } from "../vectors/scenario.ts";
import { Stage } from "../vectors/stage.ts";
import { compare } from "./_ratio.ts";

const BYTES = 1_000_000;
const TARGET = 1;

/** Prints what translating 1 MB of state costs, against the SDK's own reading of it, in both languages. */
export async function bench(): Promise<void> {
  const { agent } = new Stage(vector.scenario as unknown as Scenario);
  const graph = agentGraph(agent);
  for (const outputBytes of [1_000, 10_000]) {
    const text = grown(outputBytes);
    const { state } = translatePythonState(text, graph, true);
    const title = `Translating ${
      (text.length / 1e6).toFixed(1)
    } MB that Python saved, outputs of ${outputBytes} bytes`;
    await compare(title, [
      { name: "RunState.fromString", run: () => RunState.fromString(agent, state) },
      { name: "translatePythonState", target: TARGET, run: () => translatePythonState(text, graph, true) },
    ], { rounds: 5, warmUps: 1 });
  }
  if (!isPythonThere()) {
    return console.log("Python is left out: there is no python/.venv (deno task test makes it)");
  }
  const { stdout, success } = await new Deno.Command(PYTHON.pathname, {
    args: ["../tests/bench/translate.py", String(BYTES)],
    cwd: new URL("../../python/", import.meta.url),
    stderr: "inherit",
  }).output();
  if (!success) throw new Error("Python could not measure");
  console.log(new TextDecoder().decode(stdout));
}

/** A paused run with a long history: calls with their outputs, before the answer that is being processed. */
function grown(outputBytes: number): string {
  const state = structuredClone(vector.pauses[0]?.state);
  const call = state?.generated_items.find(({ type }) => type === "tool_call_item");
  const output = state?.generated_items.find(({ type }) => type === "tool_call_output_item");
  const response = state?.model_responses[0];
  if (!state || !call || !output || !response) throw new Error("The vector is another one");
  const count = Math.ceil(BYTES / 2 / (outputBytes + 500));
  const items = Array.from({ length: count }, (_, index) => {
    const raw = { ...call.raw_item, call_id: `call_before_${index}`, id: `fc_before_${index}` };
    const result = { ...output.raw_item, call_id: raw.call_id, output: "x".repeat(outputBytes) };
    return [{ ...call, raw_item: raw }, { ...output, raw_item: result, output: result.output }];
  }).flat();
  const calls = items.filter(({ type }) => type === "tool_call_item").map(({ raw_item }) => raw_item);
  return JSON.stringify({
    ...state,
    generated_items: [...items, ...state.generated_items],
    session_items: [...items, ...state.session_items],
    model_responses: [{ ...response, output: calls }, ...state.model_responses],
  });
}
