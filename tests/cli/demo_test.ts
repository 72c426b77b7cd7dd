import { assert, assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import { openDatabase } from "../../mod.ts";
import { testDatabases } from "../_databases.ts";
import { OllamaStandIn } from "../model/_ollama_stand_in.ts";
import { type Ended, startTimestep, timestep } from "./_timestep.ts";

const APPROVED = "The weather in Berkeley is sunny and 72°F";

function assertFinished({ code, output, errors }: Ended): void {
  assertEquals(code, 0, errors);
  assertStringIncludes(output, "2+2 is 4.");
  assertStringIncludes(output, "hands over to Weather Assistant");
  assertStringIncludes(output, "The weather in Oakland is sunny and 72°F");
}

Deno.test("timestep demo resumes in another process and leaves nothing behind when nothing is configured", async () => {
  const directory = await Deno.makeTempDir();
  // As good as nothing: what is in memory ends with its process, a variable was not set, and npm wants the dashes.
  const env = { TMPDIR: directory, PG_CONNECTION_URI: "pglite:memory" };
  const ended = await timestep(["demo", "--", "--yes", "--model="], { env });
  assertFinished(ended);
  assertStringIncludes(ended.output, APPROVED);
  assertStringIncludes(ended.output, "Model: scripted");
  assertStringIncludes(ended.output, "Database: pglite");
  const [, begins] = /Process (\d+) begins/.exec(ended.output) ?? [];
  const [, loads] = /Process (\d+) loads/.exec(ended.output) ?? [];
  assert(begins);
  assertNotEquals(begins, loads);
  assertEquals([...Deno.readDirSync(directory)], []);
  await Deno.remove(directory);
});

for (const target of testDatabases()) {
  Deno.test(`timestep demo does what is typed when it asks [${target.engine}]`, async () => {
    await using fresh = await target.create();
    await fresh.database.close();
    const args = ["demo", "--database", fresh.connectionString];

    const approved = await timestep(args, { input: "perhaps\ny\n" });
    assertFinished(approved);
    assertMatch(
      approved.output,
      /Approve get_weather\(\{"city":"Berkeley"\}\)\? \[y\/n\] perhaps\nPlease answer y or n\./,
    );
    assertStringIncludes(approved.output, APPROVED);

    const rejected = await timestep(args, { input: "n\n" });
    assertFinished(rejected);
    assert(!rejected.output.includes(APPROVED));
    assertStringIncludes(rejected.output, "the call was not approved");
  });

  Deno.test(`timestep demo keeps the run for later when nobody answers [${target.engine}]`, async () => {
    await using fresh = await target.create();
    await fresh.database.close();
    const args = ["demo", "--database", fresh.connectionString];

    const waiting = await timestep(args);
    assertEquals(waiting.code, 3, waiting.errors);
    assertStringIncludes(waiting.output, "the same options and --yes or --reject");
    assertEquals(await statuses(fresh.connectionString), ["interrupted"]);

    const finished = await timestep([...args, "--reject"]);
    assertEquals(finished.code, 0, finished.errors);
    assertStringIncludes(finished.output, "A run that was saved here earlier still waits.");
    assertStringIncludes(finished.output, "the call was not approved");
    assertEquals(await statuses(fresh.connectionString), ["completed"]);
  });
}

Deno.test("timestep demo asks once more when the model makes another call after the answer", async () => {
  // It begins with the last question, and asks for the weather again when it is not told.
  await using ollama = new OllamaStandIn(({ messages, tools }) => {
    const told = messages.at(-1);
    if (told?.role === "tool" && told.content.includes("sunny")) return { content: "Sunny after all." };
    const [name = ""] = tools?.map((tool) => tool.function.name) ?? [];
    return { toolCalls: [{ name, arguments: name === "get_weather" ? { city: "Berkeley" } : {} }] };
  });
  await using fresh = await testDatabases().at(-1)?.create();
  await fresh?.database.close();
  const args = ["demo", "--model", "ollama/qwen3:8b", "--database", fresh?.connectionString ?? ""];
  const { code, output, errors } = await timestep(args, {
    input: "n\ny\n",
    env: { OLLAMA_HOST: ollama.host },
  });
  assertEquals([code, errors], [0, ""]);
  const [, resumed = ""] = output.split("loads the run");
  assertEquals(resumed.match(/(reject|approve|calls|Tool execution|The weather in) [^"\n]*/g), [
    "reject get_weather({",
    "Tool execution was not approved.",
    "calls get_weather({",
    "approve get_weather({",
    "The weather in Berkeley is sunny and 72°F",
  ]);
  assertStringIncludes(resumed, "Sunny after all.");
});

Deno.test("timestep demo names the directory to go on with when nobody answers and nothing is configured", async () => {
  const waiting = await timestep(["demo"]);
  assertEquals(waiting.code, 3, waiting.errors);
  const [, database = ""] = /--database (pglite:\S+) --yes/.exec(waiting.output) ?? [];
  const finished = await timestep(["demo", "--database", database, "--yes"]);
  assertEquals(finished.code, 0, finished.errors);
  assertStringIncludes(finished.output, APPROVED);
  await Deno.remove(database.slice("pglite:".length), { recursive: true });
});

Deno.test("timestep demo names the directory to go on with when it is ended while it asks", async () => {
  const demo = startTimestep(["demo"]);
  let output = "";
  for await (const text of demo.stdout.pipeThrough(new TextDecoderStream())) {
    output += text;
    if (output.endsWith("[y/n] ")) demo.kill("SIGTERM");
  }
  assertEquals((await demo.status).code, 143);
  await Promise.all([demo.stdin.close(), demo.stderr.cancel()]);
  const [, database = ""] = /--database (pglite:\S+) --yes/.exec(output) ?? [];
  assertEquals(await statuses(database), ["interrupted"]);
  await Deno.remove(database.slice("pglite:".length), { recursive: true });
});

Deno.test("timestep demo says what is wrong, without the password, when the database is not there", async () => {
  const uri = "postgresql://someone:secret@127.0.0.1:1/nothing";
  const { code, output, errors } = await timestep(["demo", "--yes"], { env: { PG_CONNECTION_URI: uri } });
  assertEquals(code, 1);
  assertStringIncludes(errors, "127.0.0.1");
  assert(!`${output}${errors}`.includes("secret"));
});

Deno.test("timestep demo says what is wrong when the model is not there", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const baseURL = `http://127.0.0.1:${listener.addr.port}/v1`;
  listener.close();
  const env = { OPENAI_API_KEY: "sk-wrong", OPENAI_BASE_URL: baseURL };
  const { code, output, errors } = await timestep(["demo", "--database", "pglite:memory"], { env });
  assertEquals(code, 1);
  assertStringIncludes(output, "Model: gpt-4.1");
  assertStringIncludes(errors, baseURL);
  assert(!errors.includes("sk-wrong"));
});

async function statuses(connectionString: string): Promise<unknown[]> {
  const database = await openDatabase({ connectionString });
  try {
    return (await database.query("select status from timestep.runs")).map(({ status }) => status);
  } finally {
    await database.close();
  }
}
