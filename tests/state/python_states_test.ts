/**
 * What the Python SDK saved goes on here: for each vector and each of its pauses, as an uncrossed run would have, or it
 * is refused for a reason that is on the list.
 */
import { RunState } from "@openai/agents";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { z } from "zod";
import { agentGraph } from "../../src/agents/agent_graph.ts";
import { open } from "../../src/state/envelope.ts";
import { toResponsesItem } from "../../src/items/to_responses_item.ts";
import { StateTranslationError } from "../../src/state/python/translation_error.ts";
import { translatePythonState } from "../../src/state/python/translate.ts";
import { asWire, fromSession, inSession, normalRequest, sessionItems } from "./_crossing.ts";
import { isPythonThere, PYTHON } from "./_python_peer.ts";
import refused from "../vectors/refused.json" with { type: "json" };
import type { Pause, Vector } from "../vectors/scenario.ts";
import { decide, interruptionId, Stage, type StageState, usageOf } from "../vectors/stage.ts";

/** Scenarios that cannot cross, in either direction, and why. Every other one must. */
const REFUSED: Readonly<Record<string, string>> = refused;

const directory = new URL("../vectors/", import.meta.url);
/** How each pause of each scenario went on here: `passed`, `refused (code)` or `wrong`. */
const matrix = new Map<string, string>();

for (const folder of ["", "older/"]) {
  for (const { name } of Deno.readDirSync(new URL(folder, directory))) {
    if (!name.endsWith(".python.json")) continue;
    const scenario = `${folder}${name.replace(".python.json", "")}`;
    Deno.test(`translatePythonState() carries ${scenario} over`, async () => {
      const vector = read(`${folder}${name}`);
      for (const [index, pause] of vector.pauses.entries()) {
        const code = REFUSED[scenario];
        const cell = `${scenario}, pause ${index + 1}`;
        matrix.set(cell, "wrong");
        if (code) {
          const error = assertThrows(() => translated(vector, pause), StateTranslationError);
          assertEquals(error.code, code);
        } else await goesOn(vector, index);
        matrix.set(cell, code ? `refused (${code})` : "passed");
      }
    });
  }
}

Deno.test("every pause of every vector was tried", () => {
  const count = (word: string) => [...matrix.values()].filter((cell) => cell.startsWith(word)).length;
  const counts = ["passed", "refused", "wrong"].map((word) => `${count(word)} ${word}`);
  const rows = [...matrix].toSorted().map(([name, cell]) => `  ${name.padEnd(50)} ${cell}`);
  console.log([`Python -> TypeScript: ${counts.join(", ")}`, ...rows].join("\n"));
  assertEquals(count("wrong"), 0);
  assert(matrix.size >= 75, "Fewer vectors than there were");
});

for (const { name } of Deno.readDirSync(new URL("older/", directory))) {
  if (!name.endsWith(".typescript.json")) continue;
  Deno.test(`open() goes on with what an older SDK saved: ${name.replace(".typescript.json", "")}`, async () => {
    const vector = read(`older/${name}`);
    for (const index of vector.pauses.keys()) await goesOn(vector, index, [], openHere);
  });
}

/** As the store does, what this language saved. */
async function openHere(vector: Vector, pause: Pause, { agent }: Stage): Promise<StageState> {
  const { state } = await open(agent, {
    language: "typescript",
    sdk_name: vector.sdk.name,
    sdk_version: vector.sdk.version,
    schema_version: String(pause.state["$schemaVersion"]),
    agent_graph: agentGraph(agent),
    guardrails_settled: pause.guardrailsSettled,
    state: JSON.stringify(pause.state),
  });
  return state as unknown as StageState;
}

const openTranslated = (vector: Vector, pause: Pause, stage: Stage): Promise<StageState> =>
  RunState.fromString(stage.agent, translated(vector, pause, stage));

/** Resumes a pause here, and all that follow it, and compares with the run that never crossed. */
async function goesOn(
  vector: Vector,
  index: number,
  decided: readonly string[] = [],
  load = openTranslated,
): Promise<void> {
  const { scenario } = vector;
  const pause = vector.pauses[index];
  if (!pause) throw new Error(`${scenario.name} has no pause ${index}`);
  const stage = new Stage(scenario, pause.modelCalls);
  let state = await load(vector, pause, stage);
  assertEquals(state.getInterruptions().map(interruptionId).toSorted(), pause.pending.toSorted());
  const session = pause.session && stage.session(
    load === openTranslated ? sessionItems(pause.session) : structuredClone(pause.session),
  );
  const decisions = Object.entries(scenario.pauses[index]?.after ?? {}).filter(([id]) =>
    !decided.includes(id)
  );
  decide(state, Object.fromEntries(decisions));
  let result = await stage.run(state, session);
  for (const later of scenario.pauses.slice(index + 1)) {
    state = result.state;
    decide(state, later.before);
    decide(state, later.after);
    result = await stage.run(state, session);
  }
  assertEquals(result.finalOutput, vector.finalOutput);
  // As JSON: a vector of TypeScript has lost the sign of -0 there.
  assertEquals(
    JSON.stringify(stage.trail.executed),
    JSON.stringify(vector.trail.executed.slice(pause.toolCalls)),
  );
  assertEquals(
    stage.trail.requests.map(normalRequest),
    vector.trail.requests.slice(pause.modelCalls).map(normalRequest),
  );
  assertEquals(usageOf(result.state), vector.usage);
  if (session && vector.session) {
    assertEquals(
      (await session.getItems()).map(toResponsesItem).map(inSession),
      (load === openTranslated ? vector.session.map(asWire) : vector.session.map(fromSession)).map(inSession),
    );
  }
}

Deno.test({
  name: "a run goes from TypeScript to Python and back, a decision taken at each stop",
  ignore: !isPythonThere(),
  fn: async () => {
    const names = [...Deno.readDirSync(directory)]
      .map(({ name }) => name.match(/^(.*)\.typescript\.json$/)?.[1])
      .filter((name) => name !== undefined)
      .filter((name) => !(name in REFUSED));
    for (const [name, { state, decided }] of Object.entries(await throughPython(names))) {
      const vector = read(`${name}.typescript.json`);
      const [pause, ...later] = vector.pauses;
      if (!pause) throw new Error(`${name} has no pause`);
      try {
        // In a session are what TypeScript put there: Python's has no part in this.
        const session = pause.session && { session: pause.session.map(fromSession) };
        const crossed = {
          ...pause,
          ...session,
          state: z.record(z.string(), z.unknown()).parse(JSON.parse(state)),
        };
        const whole = vector.session && { session: vector.session.map(fromSession) };
        await goesOn({ ...vector, ...whole, pauses: [crossed, ...later] }, 0, decided);
      } catch (cause) {
        throw new Error(`${name} does not come back from Python`, { cause });
      }
    }
  },
});
if (!isPythonThere()) console.log("Skipped: there and back, without python/.venv (deno task test makes it)");

const stops = z.record(z.string(), z.object({ state: z.string(), decided: z.array(z.string()) }));

/** Loads first pauses in Python, decides once, and saves them there. */
async function throughPython(names: readonly string[]): Promise<z.output<typeof stops>> {
  const command = new Deno.Command(PYTHON.pathname, {
    args: ["../tests/state/python_there_and_back.py", ...names],
    cwd: new URL("../../python/", import.meta.url),
  });
  const { success, stdout, stderr } = await command.output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return stops.parse(JSON.parse(new TextDecoder().decode(stdout)));
}

function read(name: string): Vector {
  return JSON.parse(Deno.readTextFileSync(new URL(name, directory)));
}

function translated(vector: Vector, pause: Pause, stage = new Stage(vector.scenario)): string {
  const { state } = pause;
  return translatePythonState(JSON.stringify(state), agentGraph(stage.agent), pause.guardrailsSettled).state;
}
