import { assertEquals, assertThrows } from "@std/assert";
import { readSeed, seedProgram } from "./_program.ts";

Deno.test("seedProgram() gives the example word for word when nothing is to change", () => {
  assertEquals(seedProgram("conversation"), readSeed("conversation"));
});

Deno.test("seedProgram() changes the lines that it is told to, and no other", () => {
  const line = "const session = new Session();";
  const program = seedProgram("quick_start", {
    before: ["first();"],
    lines: { [line]: "const session = undefined;" },
    after: ["last();"],
  });
  const seed = readSeed("quick_start").trimEnd().split("\n");
  const made = program.trimEnd().split("\n");
  assertEquals([made.at(0), made.at(-1)], ["first();", "last();"]);
  assertEquals(made.slice(1, -1).filter((text, index) => text !== seed[index]), [
    "const session = undefined;",
  ]);
  assertEquals(made.length, seed.length + 2);
});

Deno.test("seedProgram() throws when a line that is to change is not in the example", () => {
  assertThrows(
    () => seedProgram("resume", { lines: { "nothing();": "" } }),
    Error,
    'has no line "nothing();"',
  );
});
