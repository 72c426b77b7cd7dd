import { assert, assertEquals } from "@std/assert";
import { PGLITE_VERSION } from "../../src/database/pglite.ts";
import { bundle } from "./_functions.ts";

const root = new URL("../../", import.meta.url);
const LIMIT_BYTES = 5 * 1024 * 1024;

for (const name of ["agents", "worker"]) {
  Deno.test(`function ${name} is at most 30 lines`, async () => {
    const text = await Deno.readTextFile(new URL(`functions/${name}/index.ts`, root));
    const lines = text.trimEnd().split("\n").length;
    assert(lines <= 30, `${lines} lines`);
  });

  Deno.test(`function ${name} is at most 5 MB as a bundle, without PGlite, and begins with less than 200 KB of it`, async () => {
    await using bundled = await bundle(name);
    const texts = [...bundled.files.values()];
    const bytes = texts.reduce((sum, text) => sum + text.length, 0);
    assert(bytes > 1_000_000 && bytes <= LIMIT_BYTES, `${bytes} bytes`);
    // Its parts, which it loads by their names.
    assertEquals(texts.filter((text) => /pglite\.(wasm|data)/.test(text)).length, 0);
    const eager = [...eagerFiles(bundled.files, "index.js")];
    const first = eager.reduce((sum, file) => sum + (bundled.files.get(file)?.length ?? 0), 0);
    assert(first > 5000 && first <= 200_000, `${first} bytes: ${eager}`);
  });
}

Deno.test("PGlite is loaded in the version that deno.json names", async () => {
  const { imports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
  assertEquals(imports["@electric-sql/pglite"], `npm:@electric-sql/pglite@${PGLITE_VERSION}`);
});

/** The files that are loaded before the first request. */
function eagerFiles(files: ReadonlyMap<string, string>, file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const [, next] of (files.get(file) ?? "").matchAll(/(?:from|import)"\.\/([^"]+)"/g)) {
    if (next) eagerFiles(files, next, seen);
  }
  return seen;
}
