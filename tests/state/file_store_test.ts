import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { RunStateConflictError, RunStateStore } from "../../mod.ts";
import { damageSuite } from "./damage_suite.ts";
import { approveAll, pausedState, weatherAgent } from "./_runs.ts";
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
  // Where others may make files, what it writes to first is nobody's link, and nobody else's to read.
  await Deno.writeTextFile(`${directory}/victim`, "precious");
  await Deno.symlink(`${directory}/victim`, `${path}.tmp`);
  await store.save(await pausedState("Berkeley"));
  assertEquals(await Deno.readTextFile(`${directory}/before.json`), before);
  assertNotEquals(await Deno.readTextFile(path), before);
  assertEquals(await Deno.readTextFile(`${directory}/victim`), "precious");
  for (const file of [path, `${path}.lock`]) {
    const { isSymlink, mode } = await Deno.lstat(file);
    assertEquals([isSymlink, (mode ?? 0) & 0o777], [false, 0o600], file);
  }
  await Deno.remove(directory, { recursive: true });
});

for (const target of ["elsewhere.json", "../elsewhere.json"]) {
  Deno.test(`save() keeps a symbolic link to ${target}, and is one run under both names`, async () => {
    const root = await Deno.makeTempDir({ prefix: "timestep-state-" });
    const directory = `${root}/linked`;
    await Deno.mkdir(directory);
    await Deno.symlink(target, `${directory}/state.json`);
    const byLink = new RunStateStore(`${directory}/state.json`, weatherAgent().agent);
    const { agent } = weatherAgent();
    const byName = new RunStateStore(`${directory}/${target}`, agent);
    await byLink.save(await pausedState("Oakland"));
    const [seen, state] = [await byLink.load(), await byName.load()];
    await byName.save(approveAll(state));
    await assertRejects(() => byLink.save(seen), RunStateConflictError);
    assertEquals((await Deno.lstat(`${directory}/state.json`)).isSymlink, true);
    await Deno.remove(root, { recursive: true });
  });
}

Deno.test("RunStateStore() keeps its file when the program goes to another directory", async () => {
  const directory = await Deno.makeTempDir({ prefix: "timestep-state-" });
  const before = Deno.cwd();
  try {
    Deno.chdir(directory);
    const store = new RunStateStore("state.json", weatherAgent().agent);
    Deno.chdir(before);
    await store.save(await pausedState("Oakland"));
    assertEquals((await Deno.stat(`${directory}/state.json`)).isFile, true);
  } finally {
    Deno.chdir(before);
    await Deno.remove(directory, { recursive: true });
  }
});
