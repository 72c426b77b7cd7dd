import { assertEquals, assertNotEquals } from "@std/assert";
import { RunStateStore } from "../../mod.ts";
import { damageSuite } from "./damage_suite.ts";
import { pausedState, weatherAgent } from "./_runs.ts";
import { storeSuite } from "./store_suite.ts";
import { fileTarget } from "./store_target.ts";

storeSuite(fileTarget);
damageSuite(fileTarget);

// Written into, it would be half of it for whoever reads meanwhile, and for everybody after a kill.
Deno.test("save() puts a new file in the place of the one before", async () => {
  const directory = await Deno.makeTempDir({ prefix: "timestep-state-" });
  const path = `${directory}/state.json`;
  const store = new RunStateStore(path, weatherAgent().agent);
  await store.save(await pausedState("Oakland"));
  const before = await Deno.readTextFile(path);
  await Deno.link(path, `${directory}/before.json`);
  await store.save(await pausedState("Berkeley"));
  assertEquals(await Deno.readTextFile(`${directory}/before.json`), before);
  assertNotEquals(await Deno.readTextFile(path), before);
  await Deno.remove(directory, { recursive: true });
});
