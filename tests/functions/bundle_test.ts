import { assert, assertEquals } from "@std/assert";
import OpenAI from "openai";
import { PGLITE_VERSION } from "../../src/database/pglite.ts";
import { testDatabases } from "../_databases.ts";
import { deno21, thisDeno } from "../_deno_2_1.ts";
import { OpenAIStandIn, weatherScript } from "../openai_stand_in/mod.ts";
import { bundle, startFunction } from "./_functions.ts";

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

const postgres = testDatabases().find(({ engine }) => engine === "postgres");

for (
  const [version, find] of [["this Deno", () => Promise.resolve(thisDeno())], ["Deno 2.1", deno21]] as const
) {
  Deno.test({
    name: `the bundled functions serve [${version}]`,
    ignore: postgres === undefined,
    fn: async (test) => {
      await using deno = await find();
      if (deno === null || postgres === undefined) return;
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
      await using bundledAgents = await bundle("agents");
      await using bundledWorker = await bundle("worker");
      await using agents = await startFunction(deno, bundledAgents.entry, env);
      await using worker = await startFunction(deno, bundledWorker.entry, env);
      const client = new OpenAI({
        apiKey: "sb_secret_test",
        baseURL: `${agents.origin}/agents/v1`,
        maxRetries: 0,
      });

      await test.step("agents lists its models and answers", async () => {
        assertEquals((await client.models.list()).data.map(({ id }) => id), ["Assistant"]);
        const stream = client.responses.stream({ model: "Assistant", input: "What's 2+2?" });
        assertEquals((await stream.finalResponse()).output_text, "2+2 equals 4.");
      });

      await test.step("worker executes what is approved in the background", async () => {
        const wake = async () => {
          const response = await fetch(`${worker.origin}/worker/v1/internal/tick`, {
            method: "POST",
            headers: { apikey: "dispatch" },
          });
          assertEquals([response.status, await response.json()], [202, { status: "working" }]);
        };
        const paused = await finished(client, { input: "What's the weather in Berkeley?" }, wake);
        const [request] = paused.output.filter((item) => item.type === "mcp_approval_request");
        assert(request);
        const answer = {
          type: "mcp_approval_response" as const,
          ["approval_request_id" as const]: request.id,
          approve: true,
        };
        const { output_text: text } = await finished(client, {
          input: [answer],
          previous_response_id: paused.id,
        }, wake);
        assertEquals(text, "The weather in Berkeley is sunny and 72°F");
      });
    },
  });
}

/** Asks in the background, wakes the worker, and polls to the end. */
async function finished(
  client: OpenAI,
  body: OpenAI.Responses.ResponseCreateParamsNonStreaming,
  wake: () => Promise<void>,
): Promise<OpenAI.Responses.Response> {
  let response = await client.responses.create({ ...body, model: "Assistant", background: true });
  await wake();
  while (response.status === "queued" || response.status === "in_progress") {
    await new Promise((resolve) => setTimeout(resolve, 100));
    response = await client.responses.retrieve(response.id);
  }
  return response;
}

/** The files that are loaded before the first request. */
function eagerFiles(files: ReadonlyMap<string, string>, file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const [, next] of (files.get(file) ?? "").matchAll(/(?:from|import)"\.\/([^"]+)"/g)) {
    if (next) eagerFiles(files, next, seen);
  }
  return seen;
}
