import { assertEquals } from "@std/assert";
import { runAgent, RunStateStore } from "@timestep-ai/timestep";
import type { Vector } from "../vectors/scenario.ts";
import { decide, Stage } from "../vectors/stage.ts";

Deno.test("load() opens what Python saved and says what was left out", async () => {
  const file = new URL("../vectors/approve.python.json", import.meta.url);
  const { scenario, pauses: [pause], finalOutput }: Vector = JSON.parse(Deno.readTextFileSync(file));
  const directory = await Deno.makeTempDir();
  const path = `${directory}/state.json`;
  const begun = new Stage(scenario);
  await new RunStateStore(path, begun.agent).save((await begun.run(String(scenario.input))).state);
  const saved = JSON.parse(await Deno.readTextFile(path));
  await Deno.writeTextFile(
    path,
    JSON.stringify({ ...saved, language: "python", state: pause?.state }),
  );

  const stage = new Stage(scenario, pause?.modelCalls);
  const store = new RunStateStore(path, stage.agent);
  const state = await store.load<Record<string, unknown>>();
  assertEquals(store.losses.map(({ path }) => path), ["generated_prompt_cache_key"]);
  decide(state, scenario.pauses[0]?.after);
  assertEquals((await runAgent(stage.agent, state)).finalOutput, finalOutput);
  assertEquals(stage.trail.executed.length, 1);
  await Deno.remove(directory, { recursive: true });
});
