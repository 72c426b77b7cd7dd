/**
 * Runs every scenario with the TypeScript SDK and keeps what it wrote at each pause, as
 * `<scenario>.typescript.json` beside this file. `deno run -A tests/vectors/typescript.ts [--check]`;
 * with `--check` nothing is written and a difference is an error.
 *
 * `deno run -A --config tests/vectors/older/deno.json tests/vectors/typescript.ts --older` does it with an older SDK, for
 * those scenarios that are marked, in `older/`.
 */

import { type AgentInputItem, RunState } from "@openai/agents";
import scenarios from "./scenarios.json" with { type: "json" };
import type { Pause, Scenario, Vector } from "./scenario.ts";
import { decide, interruptionId, Stage, type StageState, usageOf } from "./stage.ts";

/** As in `.../@openai/agents/0.20.0/...`. */
const SDK_VERSION = import.meta.resolve("@openai/agents").match(/@openai\/agents[@\/](\d[^\/]*)/)?.[1] ?? "";

/** Runs a scenario from its beginning to its end, saved and loaded at each pause. */
export async function typescriptVector(scenario: Scenario): Promise<Vector> {
  const stage = new Stage(scenario);
  const session = scenario.session &&
    stage.session(scenario.session.map((content) => ({ type: "message", role: "user", content })));
  const pauses: Pause[] = [];
  let result = await stage.run(inputOf(scenario), session);
  for (const pause of scenario.pauses) {
    if (result.interruptions.length === 0) throw new Error(`${scenario.name} does not pause`);
    const state: StageState = result.state;
    if (pauses.length === 0 && scenario.pendingInput) state.addInput(scenario.pendingInput);
    decide(state, pause.before);
    const saved = state.toString();
    pauses.push({
      state: JSON.parse(saved),
      guardrailsSettled: true,
      ...(session ? { session: await session.getItems() } : {}),
      pending: state.getInterruptions().map(interruptionId),
      modelCalls: stage.modelCalls,
      toolCalls: stage.trail.executed.length,
    });
    const loaded: StageState = await RunState.fromString(stage.agent, saved);
    decide(loaded, pause.after);
    result = await stage.run(loaded, session);
  }
  if (result.interruptions.length > 0) throw new Error(`${scenario.name} pauses once more`);
  return {
    scenario,
    language: "typescript",
    sdk: { name: "@openai/agents", version: SDK_VERSION },
    pauses,
    trail: stage.trail,
    finalOutput: result.finalOutput,
    usage: usageOf(result.state),
    ...(session ? { session: await session.getItems() } : {}),
  };
}

/** What a run starts from, in the form of this SDK. */
export function inputOf(scenario: Scenario): string | AgentInputItem[] {
  const { input } = scenario;
  if (typeof input === "string") return input;
  return (Array.isArray(input) ? input : input.typescript) as AgentInputItem[];
}

if (import.meta.main) {
  const check = Deno.args.includes("--check");
  const older = Deno.args.includes("--older");
  for (const scenario of scenarios as Scenario[]) {
    if (scenario.only === "python" || (older && !scenario.older)) continue;
    const text = JSON.stringify(await typescriptVector(scenario)) + "\n";
    const file = new URL(`./${older ? "older/" : ""}${scenario.name}.typescript.json`, import.meta.url);
    if (!check) await Deno.writeTextFile(file, text);
    else if (await Deno.readTextFile(file) !== text) {
      throw new Error(`${file.pathname} is not what the SDK writes`);
    }
    console.log(`${check ? "same" : "wrote"}  ${scenario.name}`);
  }
}
