import { assert, assertEquals } from "@std/assert";
import { deno } from "../_child.ts";
import { testDatabases } from "../_databases.ts";

/** V8 itself keeps some hundred kilobytes; a single response, of each request, would be several megabytes. */
const KEPT_BYTES = 1_000_000;

Deno.test("serveAgents() keeps nothing of a thousand requests", async () => {
  // Postgres, where it is: PGlite's memory is in the process itself.
  const target = testDatabases().at(-1);
  assert(target);
  await using fresh = await target.create();
  await fresh.database.close();
  const program = new URL("_long_lived.ts", import.meta.url).pathname;
  const flags = ["--allow-all", "--no-check", "--v8-flags=--expose-gc"];
  const { code, text } = await deno(["run", ...flags, program, fresh.connectionString, "3"]);
  assertEquals(code, 0, text);
  // The first thousand load and warm up what stays.
  const [, before = NaN, after = NaN] = text.trim().split("\n").map(Number);
  assert(after - before < KEPT_BYTES, `${after - before} bytes are kept of a thousand requests`);
});
