import { assertRejects, assertThrows } from "@std/assert";
import { Agent } from "@openai/agents";
import { DatabaseError, RunStateStore } from "../../mod.ts";
import { lockDirectory } from "../../src/database/_directory_lock.ts";

/** Calls what does not wait for anything, in the lack of Deno's own functions: as in Node. */
function withoutDeno<T>(body: () => T): T {
  const own = Object.getOwnPropertyDescriptor(globalThis, "Deno") ?? {};
  Object.defineProperty(globalThis, "Deno", { value: undefined, configurable: true });
  try {
    return body();
  } finally {
    Object.defineProperty(globalThis, "Deno", own);
  }
}

Deno.test("RunStateStore refuses a file where files cannot be locked", () => {
  assertThrows(
    () => withoutDeno(() => new RunStateStore("state.json", new Agent({ name: "Assistant" }))),
    Error,
    'Cannot keep runs in the file "state.json": this runtime can\'t lock files, Deno can.',
  );
});

Deno.test("lockDirectory() refuses every directory where files cannot be locked", async () => {
  await assertRejects(
    () => withoutDeno(() => lockDirectory("/tmp/data")),
    DatabaseError,
    "Cannot open PGlite in /tmp/data: this runtime can't lock files, Deno can. Run with Deno, or use Postgres",
  );
});
