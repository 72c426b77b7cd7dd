import { assertEquals, assertStringIncludes } from "@std/assert";
import { timestep } from "./_timestep.ts";

Deno.test("timestep shows its commands when asked for help", async () => {
  const { code, output } = await timestep(["--help"]);
  assertEquals(code, 0);
  assertStringIncludes(output, "Usage: timestep <command>");
  assertStringIncludes(output, "demo");
});

Deno.test("timestep demo shows its options when asked for help", async () => {
  const { code, output } = await timestep(["demo", "--help"]);
  assertEquals(code, 0);
  for (const option of ["--yes", "--reject", "--model", "--database"]) assertStringIncludes(output, option);
});

for (
  const [args, message] of [
    [[], "No command given"],
    [["fly"], 'Unknown command "fly"'],
    [["demo", "--fly"], "Unknown option '--fly'"],
    [["demo", "--model"], "Option '--model <value>' argument missing"],
    [["demo", "now"], "Unexpected argument 'now'"],
    [["demo", "--yes", "--reject"], "Cannot both approve (--yes) and reject (--reject)"],
  ] as const
) {
  Deno.test(`timestep exits with 2 when it is called as "timestep ${args.join(" ")}"`, async () => {
    const { code, output, errors } = await timestep(args);
    assertEquals(code, 2);
    assertEquals(output, "");
    assertStringIncludes(errors, message);
    assertStringIncludes(errors, "--help");
  });
}
