import { assert, assertEquals } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { type Edge, importGraph, reachable } from "./_graph.ts";
import { sourcesIn } from "./_sources.ts";

/** Folders from the ground up; those in one row may use each other, but not in a circle. */
const LAYERS: readonly (readonly string[])[] = [
  ["src/core"],
  ["src/agents", "src/database", "src/items"],
  ["src/state", "src/session", "src/model", "src/tool"],
  ["src/run", "src/durable"],
  ["src/workflows"],
  ["src/http"],
  ["src/cli", "functions", "mod.ts"],
];

const edges = await importGraph();
const local = edges.filter(({ to }) => !/^(npm|jsr|node|https?):/.test(to));

Deno.test("modules import from their own layer or one below, types included", () => {
  assertEquals(local.filter((edge) => rank(edge.to) > rank(edge.from)).map(describe), []);
});

Deno.test("layers do not import each other in a circle", () => {
  const between = local.map((edge) => ({ ...edge, from: layer(edge.from), to: layer(edge.to) }));
  const circles = between.filter(({ from, to }) => from !== to && reachable([to], between).has(from));
  assertEquals(circles.map(describe), []);
});

Deno.test("modules do not load each other in a circle", () => {
  const loaded = local.filter(({ typeOnly }) => !typeOnly);
  assertEquals(loaded.filter(({ from, to }) => reachable([to], loaded).has(from)).map(describe), []);
});

Deno.test("every module is reachable from an entry point", async () => {
  const functions = (await sourcesIn("functions")).map(({ path }) => path);
  const started = ["src/cli/demo_process.ts"];
  const reached = reachable([...entryPoints(), ...functions, ...started], local);
  assertEquals((await sourcesIn("src")).map(({ path }) => path).filter((path) => !reached.has(path)), []);
});

Deno.test("mod.ts loads no database driver and no workflow engine before they are used", () => {
  const eager = edges.filter(({ typeOnly, dynamic }) => !typeOnly && !dynamic);
  const packages = [...reachable(["mod.ts"], eager)].filter((module) => module.startsWith("npm:"));
  assert(packages.some((name) => name.startsWith("npm:@openai/agents@")), `${packages}`);
  assertEquals(packages.filter((name) => /pglite|dbos|postgres|npm:\/?openai@/.test(name)), []);
});

Deno.test("every dependency in deno.json is imported somewhere", async () => {
  const sources = [...await sourcesIn("src"), ...await sourcesIn("functions"), ...await sourcesIn("tests")];
  const isUsed = (name: string) =>
    sources.some(({ text }) => text.includes(`"${name}"`) || text.includes(`"${name.replace(/\/$/, "")}/`));
  assertEquals(Object.keys(config.imports).filter((name) => !isUsed(name)), []);
});

Deno.test("exports of deno.json name no internal module", () => {
  assertEquals(entryPoints().filter((path) => /(^|\/)_/.test(path)), []);
});

function entryPoints(): string[] {
  return Object.values(config.exports).map((path) => path.replace("./", ""));
}

function layer(path: string): string {
  const found = LAYERS.flat().find((name) => path === name || path.startsWith(`${name}/`));
  if (found === undefined) throw new Error(`Cannot tell the layer of ${path}: add its folder to LAYERS`);
  return found;
}

function rank(path: string): number {
  return LAYERS.findIndex((names) => names.includes(layer(path)));
}

function describe({ from, to }: Pick<Edge, "from" | "to">): string {
  return `${from} imports ${to}`;
}
