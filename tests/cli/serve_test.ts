import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import OpenAI from "openai";
import { openDatabase } from "../../mod.ts";
import { testDatabases } from "../_databases.ts";
import { timestep } from "./_timestep.ts";

for (const target of testDatabases()) {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.test(`timestep serve serves both functions until ${signal} [${target.engine}]`, async () => {
      await using fresh = await target.create();
      await fresh.database.close();
      const uri = fresh.connectionString;
      // As each is configured by whoever has it.
      const env = target.engine === "pglite"
        ? { TIMESTEP_PGLITE_PATH: uri.slice("pglite:".length) }
        : { PG_CONNECTION_URI: uri };
      await using server = await startServing(env);
      const [, url = "", key = ""] = /^URL (http:\S+\/functions\/v1\/agents\/v1) key (\S+)$/
        .exec(server.firstLine) ?? [];
      assert(url && key, server.firstLine);

      await approveByClient(new OpenAI({ baseURL: url, apiKey: key, maxRetries: 0 }));
      await assertRoutes(url, key);

      server.signal(signal);
      assertEquals(await server.code, 0);
      const database = await openDatabase({ connectionString: uri });
      const runs = await database.query("select status from timestep.runs");
      const executors = await database.query("select executor_id from timestep.executors");
      await database.close();
      assertEquals(runs, [{ status: "completed" }]);
      // It has signed off: whoever comes next does not have to wait until it counts as dead.
      assertEquals(executors, []);
    });
  }
}

async function approveByClient(client: OpenAI): Promise<void> {
  const [model = ""] = (await client.models.list()).data.map(({ id }) => id);
  const asked = await client.responses.create({
    model,
    input: "What's the weather in Berkeley?",
    tools: [{ type: "function", name: "look_up", parameters: {}, strict: false }],
  });
  assertEquals(asked.tools.length, 1);
  const request = asked.output.find((item) => item.type === "mcp_approval_request");
  assertEquals(request?.name, "get_weather");
  const answered = await client.responses.create({
    model,
    previous_response_id: asked.id,
    input: [{ type: "mcp_approval_response", approval_request_id: request?.id ?? "", approve: true }],
    background: true,
  });
  let response = answered;
  while (response.status === "queued" || response.status === "in_progress") {
    await new Promise((resolve) => setTimeout(resolve, 50));
    response = await client.responses.retrieve(answered.id);
  }
  assertEquals(response.output_text, "The weather in Berkeley is sunny and 72°F.");
}

async function assertRoutes(url: string, key: string): Promise<void> {
  const functions = url.replace("/agents/v1", "");
  const send = async (method: string, path: string, apikey: string) => {
    const response = await fetch(`${functions}${path}`, { method, headers: { apikey } });
    await response.body?.cancel();
    return response.status;
  };
  assertEquals(await send("POST", "/worker/v1/internal/tick", key), 202);
  assertEquals(await send("POST", "/worker/v1/internal/tick", "wrong"), 401);
  assertEquals(await send("GET", "/agents/v1/models", "wrong"), 401);
  assertEquals(await send("GET", "/other/v1/models", key), 404);
  // Else a browser's script would see no more than that it may not look.
  const lost = await fetch(`${functions}/other`);
  await lost.body?.cancel();
  assertEquals(lost.headers.get("access-control-allow-origin"), "*");
}

Deno.test("timestep serve says what is wrong and fails when it cannot serve", async (test) => {
  const directory = await Deno.makeTempDir();
  const env = { TIMESTEP_PGLITE_PATH: `${directory}/pglite` };

  await test.step("a port that is taken", async () => {
    const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = taken.addr;
    const { code, output, errors } = await timestep(["serve", "--port", String(port)], { env });
    taken.close();
    assertEquals([code, output], [1, ""]);
    assertEquals(errors, `Cannot listen on port ${port}: another program does. Choose one with --port.\n`);
  });

  await test.step("a database that is not there", async () => {
    const uri = "postgresql://someone:secret@127.0.0.1:1/nothing";
    for (const configured of [{ args: ["--database", uri] }, { args: [], uri }]) {
      const { code, output, errors } = await timestep(["serve", "--port", "0", ...configured.args], {
        env: configured.uri ? { PG_CONNECTION_URI: configured.uri } : {},
      });
      assertEquals([code, output], [1, ""]);
      assertMatch(errors, /^Cannot reach the database on Postgres at 127\.0\.0\.1:1: .*\n$/);
      assert(!errors.includes("secret"));
    }
  });

  await test.step("a connection string that is none", async () => {
    const { code, errors } = await timestep(["serve", "--port", "0", "--database", "sqlite:x"], { env });
    assertEquals(code, 1);
    assertStringIncludes(errors, "Cannot open the database");
  });

  await test.step("agents that are not there", async () => {
    const { code, errors } = await timestep(["serve", "--agents", `${directory}/nothing.ts`], { env });
    assertEquals(code, 2);
    assertStringIncludes(errors, "Cannot load the agents");
    await Deno.writeTextFile(`${directory}/empty.ts`, "export const agent = 1;");
    const empty = await timestep(["serve", "--agents", `${directory}/empty.ts`], { env });
    assertEquals(empty.code, 2);
    assertStringIncludes(empty.errors, 'does not export a list "agents"');
    await Deno.writeTextFile(`${directory}/none.ts`, "export const agents = [];");
    const none = await timestep(["serve", "--agents", `${directory}/none.ts`], { env });
    assertEquals(none.code, 2);
    assertStringIncludes(none.errors, "there are none. Pass one. Add --help");
  });
  await Deno.remove(directory, { recursive: true });
});

Deno.test("timestep serve shows its options when asked for help", async () => {
  const { code, output } = await timestep(["serve", "--help"]);
  assertEquals(code, 0);
  for (const option of ["--agents", "--port", "--caller-tools", "--database"]) {
    assertStringIncludes(output, option);
  }
});

for (const args of [["--port", "x"], ["--port", "70000"], ["--port", "-1"], ["--port"], ["--fly"], ["now"]]) {
  Deno.test(`timestep serve exits with 2 when it is called with "${args.join(" ")}"`, async () => {
    const { code, output, errors } = await timestep(["serve", ...args]);
    assertEquals([code, output], [2, ""]);
    assertStringIncludes(errors, "--help");
  });
}

const SERVE_OPTIONS = ["--port", "0", "--caller-tools", "Assistant"];

interface Serving extends AsyncDisposable {
  firstLine: string;
  /** How it ended. */
  code: Promise<number>;
  signal(signal: Deno.Signal): void;
}

/** Starts `timestep serve` on a free port; resolves when it has said where. */
async function startServing(env: Record<string, string>): Promise<Serving> {
  const inherited = ["PATH", "HOME", "DENO_DIR"].flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--no-check", "--quiet", "src/cli/main.ts", "serve", ...SERVE_OPTIONS],
    cwd: new URL("../../", import.meta.url),
    clearEnv: true,
    env: { ...Object.fromEntries(inherited), NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  let over = false;
  while (!text.includes("\n") && !over) {
    const { value = "", done } = await lines.read();
    text += value;
    over = done;
  }
  const rest = (async () => {
    while (!(await lines.read()).done);
  })();
  let ended = false;
  const code = Promise.all([child.status, rest]).then(([status]) => {
    ended = true;
    return status.code;
  });
  return {
    firstLine: text.slice(0, text.indexOf("\n")),
    code,
    signal: (signal) => child.kill(signal),
    async [Symbol.asyncDispose]() {
      if (!ended) child.kill("SIGKILL");
      await code;
    },
  };
}
