import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { openDatabase } from "@timestep-ai/timestep";
import { timestep } from "./_timestep.ts";

Deno.test("timestep db shows its options when asked for help", async () => {
  const { code, output } = await timestep(["db", "--help"]);
  assertEquals(code, 0);
  for (const option of ["--port", "--database"]) assertStringIncludes(output, option);
});

for (
  const [args, message] of [
    [["--port", "high"], 'Cannot listen on port "high"'],
    [["--database", "postgresql://me:secret@host/name"], "--database takes pglite:DIRECTORY"],
    [["--fly"], "Unknown option '--fly'"],
  ] as const
) {
  Deno.test(`timestep exits with 2 when it is called as "timestep db ${args.join(" ")}"`, async () => {
    const { code, output, errors } = await timestep(["db", ...args]);
    assertEquals([code, output], [2, ""]);
    assertStringIncludes(errors, message);
    assertEquals(errors.includes("secret"), false);
  });
}

Deno.test("timestep db says so when the port is taken", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const { code, errors } = await timestep(["db", "--port", String(port), "--database", "pglite:memory"]);
  assertEquals(code, 1);
  assertStringIncludes(errors, `Cannot listen on port ${port}`);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`timestep db ends well with ${signal}, and the directory can be opened`, async () => {
    const directory = await Deno.makeTempDir({ prefix: "timestep-db-" });
    try {
      // What it serves does not depend on the Postgres that programs are pointed at: that may be this very address.
      const child = start(directory, { PG_CONNECTION_URI: "postgresql://nobody@127.0.0.1:1/nothing" });
      const [first = ""] = await untilLines(child, 2);
      assertMatch(first, /^postgresql:\/\/postgres:\w+@127\.0\.0\.1:\d+\/postgres\?sslmode=disable$/);
      const client = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(first).port) });
      child.kill(signal);
      assertEquals((await child.status).code, 0);
      client.close();
      const database = await openDatabase({ connectionString: `pglite:${directory}` });
      assertEquals(await database.query("select 1 as one"), [{ one: 1 }]);
      await database.close();
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  });
}

function start(directory: string, env: Record<string, string>): Deno.ChildProcess {
  const main = new URL("../../src/cli/main.ts", import.meta.url).href;
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--quiet", main, "db", "--port", "0"],
    env: { ...env, TIMESTEP_PGLITE_PATH: directory },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

/** The first lines of what a program writes; the rest is left alone. */
async function untilLines(child: Deno.ChildProcess, count: number): Promise<string[]> {
  let text = "";
  for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (text.split("\n").length > count) break;
  }
  return text.split("\n");
}
