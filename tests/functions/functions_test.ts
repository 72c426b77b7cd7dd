import { assert, assertEquals } from "@std/assert";
import OpenAI from "openai";
import { testDatabases } from "../_databases.ts";
import { deno21, type DenoProgram, thisDeno } from "../_deno_2_1.ts";
import { OpenAIStandIn, weatherScript } from "../openai_stand_in/mod.ts";
import { bundle, startFunction } from "./_functions.ts";

const root = new URL("../../", import.meta.url);
const postgres = testDatabases().find(({ engine }) => engine === "postgres");

Deno.test({
  name: "the functions serve from bundles",
  ignore: postgres === undefined,
  fn: async (test) => {
    await using agents = await bundle("agents");
    await using worker = await bundle("worker");
    await testFunctions(test, thisDeno(), { agents: agents.entry, worker: worker.entry });
  },
});

Deno.test({
  name: "the functions serve on Deno 2.1",
  ignore: postgres === undefined,
  fn: async (test) => {
    await using deno = await deno21();
    if (deno === null) return;
    const entry = (name: string) => new URL(`functions/${name}/index.ts`, root).pathname;
    await testFunctions(test, deno, { agents: entry("agents"), worker: entry("worker") });
  },
});

async function testFunctions(
  test: Deno.TestContext,
  deno: DenoProgram,
  entries: { agents: string; worker: string },
): Promise<void> {
  assert(postgres);
  await using fresh = await postgres.create();
  await using openai = new OpenAIStandIn({ script: weatherScript });
  const env = {
    SUPABASE_DB_URL: fresh.connectionString,
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: "sb_secret_test" }),
    TIMESTEP_DISPATCH_KEY: "dispatch",
    OPENAI_BASE_URL: openai.url,
    OPENAI_API_KEY: "test",
    OPENAI_AGENTS_DISABLE_TRACING: "1",
  };
  await using agents = await startFunction(deno, entries.agents, env);
  await using worker = await startFunction(deno, entries.worker, env);
  const client = new OpenAI({
    apiKey: "sb_secret_test",
    baseURL: `${agents.origin}/agents/v1`,
    maxRetries: 0,
  });
  const tick = `${worker.origin}/worker/v1/internal/tick`;

  await test.step("agents lists its models and answers", async () => {
    assertEquals((await client.models.list()).data.map(({ id }) => id), ["Assistant"]);
    const stream = client.responses.stream({ model: "Assistant", input: "What's 2+2?" });
    assertEquals((await stream.finalResponse()).output_text, "2+2 equals 4.");
  });

  await test.step("worker executes what is approved, in the background", async () => {
    const paused = await finished(client, tick, { input: "What's the weather in Berkeley?" });
    const [request] = paused.output.filter((item) => item.type === "mcp_approval_request");
    const answer = {
      type: "mcp_approval_response" as const,
      ["approval_request_id" as const]: request?.id ?? "",
      approve: true,
    };
    const decided = await finished(client, tick, {
      input: [answer],
      ["previous_response_id" as const]: paused.id,
    });
    assertEquals(decided.output_text, "The weather in Berkeley is sunny and 72°F");
  });
}

/** Asks in the background, wakes the worker, and polls to the end. */
async function finished(
  client: OpenAI,
  tick: string,
  body: OpenAI.Responses.ResponseCreateParamsNonStreaming,
): Promise<OpenAI.Responses.Response> {
  let response = await client.responses.create({ ...body, model: "Assistant", background: true });
  const woken = await fetch(tick, { method: "POST", headers: { apikey: "dispatch" } });
  assertEquals([woken.status, await woken.json()], [202, { status: "working" }]);
  while (response.status === "queued" || response.status === "in_progress") {
    await new Promise((resolve) => setTimeout(resolve, 100));
    response = await client.responses.retrieve(response.id);
  }
  return response;
}
