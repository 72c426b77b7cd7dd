import {
  Agent,
  getDefaultModel,
  type ModelProvider,
  type ModelResponse,
  setTracingDisabled,
  tool,
  Usage,
} from "@openai/agents";
import { assistantMessage, functionCall, ScriptedModel } from "@openai/agents-core/testing";
import { assertEquals } from "@std/assert";
import { createRun, type Database, executeRun, registerAgent, runAgent, RunStateStore } from "../../mod.ts";
import { forgetAgents } from "../../src/durable/registry.ts";
import { z } from "zod";
import { testDatabases } from "../_databases.ts";
import { costs } from "./_runs.ts";

setTracingDisabled(true);

const parameters = { type: "object", properties: {}, required: [], additionalProperties: false } as const;
const pay = tool({
  name: "pay",
  description: "",
  parameters: { ...parameters, required: [] },
  needsApproval: true,
  execute: () => "paid",
});

/** A clerk, who hands over to a cashier with a model of another provider, who has to ask before he pays. */
function clerk(): Agent {
  const cashier = new Agent({ name: "Cashier", model: "ollama/gpt-oss:20b", tools: [pay] });
  return new Agent({ name: "Clerk", model: "gpt-4.1", handoffs: [cashier] });
}

/** Models that make these calls, one an answer, and then say that it is done; with what each answer uses. */
function providerOfAnswers(calls = ["transfer_to_Cashier", "pay"]): ModelProvider {
  const outputs = [
    ...calls.map((name) => [functionCall(name, {}, { callId: `call_${name}` })]),
    [assistantMessage("Paid.")],
  ];
  const answers = outputs.map((output, index) => answerOf(output, [1000, 20, 4][index] ?? 0));
  const getResponse = () =>
    Promise.resolve(answers.shift() ?? Promise.reject(new Error("All has been said")));
  const getStreamedResponse = () => {
    throw new Error("Nobody streams here");
  };
  return { getModel: () => ({ getResponse, getStreamedResponse }) };
}

function answerOf(output: ModelResponse["output"], inputTokens: number): ModelResponse {
  return {
    output,
    usage: new Usage({
      requests: 1,
      inputTokens,
      inputTokensDetails: { cached_tokens: inputTokens / 2 },
      outputTokens: 1,
      totalTokens: inputTokens + 1,
    }),
    // As OpenAI does it: not the name that was asked for.
    providerData: { model: "gpt-4.1-2025-04-14" },
  };
}

async function runWithStore(database: Database): Promise<void> {
  const agent = clerk();
  const modelProvider = providerOfAnswers();
  const store = new RunStateStore({ agent, database });
  await store.save((await runAgent(agent, "Pay", undefined, false, undefined, modelProvider)).state);
  const state = await store.load();
  for (const interruption of state.getInterruptions()) state.approve(interruption);
  await runAgent(agent, state, undefined, false, undefined, modelProvider);
}

async function usedBy(database: Database) {
  return await database.query(
    "select model, requests, input_tokens, cached_input_tokens from timestep.usage order by run_id, model",
  );
}

const EVERYTHING = [
  { model: "gpt-4.1", requests: 1, input_tokens: 1000, cached_input_tokens: 500 },
  { model: "ollama/gpt-oss:20b", requests: 2, input_tokens: 24, cached_input_tokens: 12 },
];

for (const { engine, create } of testDatabases()) {
  Deno.test(`RunStateStore counts usage under the names that agents have for their models [${engine}]`, async () => {
    await using fresh = await create();
    await runWithStore(fresh.database);
    assertEquals(await usedBy(fresh.database), EVERYTHING);
  });

  Deno.test(`executeRun() counts usage under the names that agents have for their models [${engine}]`, async () => {
    await using fresh = await create();
    const { database } = fresh;
    const agent = clerk();
    registerAgent(agent);
    try {
      await createRun(database, { runId: "r", agent, input: "Pay" });
      const options = { database, runId: "r", executorId: "test", modelProvider: providerOfAnswers() };
      const { status } = await executeRun({ ...options, segment: 0 });
      assertEquals(status, "interrupted");
      assertEquals((await usedBy(database)).map(({ model }) => model), ["gpt-4.1", "ollama/gpt-oss:20b"]);
    } finally {
      forgetAgents();
    }
  });

  Deno.test(`save() counts an agent without a model for the default one [${engine}]`, async () => {
    await using fresh = await create();
    const agent = new Agent({ name: "Clerk", tools: [pay] });
    const modelProvider = providerOfAnswers(["pay"]);
    const { state } = await runAgent(agent, "Pay", undefined, false, undefined, modelProvider);
    await new RunStateStore({ agent, database: fresh.database }).save(state);
    assertEquals((await usedBy(fresh.database)).map(({ model }) => model), [getDefaultModel()]);
  });

  Deno.test(`save() counts what agents used as tools have used [${engine}]`, async () => {
    await using fresh = await create();
    const { database } = fresh;
    const helper = new Agent({
      name: "Helper",
      model: new ScriptedModel([costs([assistantMessage("42")], 1000)]),
    });
    const ask = [functionCall("ask", { input: "?" }, { callId: "call_ask" })];
    const sunny = tool({
      name: "sunny",
      description: "",
      parameters: z.object({}),
      needsApproval: true,
      execute: () => "yes",
    });
    const model = new ScriptedModel([
      costs(ask, 10),
      costs([functionCall("sunny", {}, { callId: "call_sunny" })], 20),
    ]);
    const tools = [helper.asTool({ toolName: "ask", toolDescription: "" }), sunny];
    const agent = new Agent({ name: "Assistant", model, tools });
    const { state } = await runAgent(agent, "?");
    await new RunStateStore({ agent, database }).save(state);
    assertEquals(
      await database.query(
        "select sum(requests)::int as requests, sum(input_tokens)::int as tokens from timestep.usage",
      ),
      [{ requests: 3, tokens: 1030 }],
    );
  });

  Deno.test(`timestep.run_costs knows what a run costs when each of its models has a price [${engine}]`, async () => {
    await using fresh = await create();
    const { database } = fresh;
    await runWithStore(database);
    const setPrice = (...values: [string, number, number | null, number]) =>
      database.query(
        `insert into timestep.model_prices (model, input_per_million, cached_input_per_million, output_per_million)
         values ($1, $2::text::numeric, $3::text::numeric, $4::text::numeric)`,
        values.map((value) => value === null ? null : String(value)),
      );
    const cost = async () =>
      (await database.query("select cost_usd::double precision as cost from timestep.run_costs"))[0]?.cost;

    assertEquals(await cost(), null);
    await setPrice("gpt-4.1", 2, 0.5, 8);
    assertEquals(await cost(), null);
    await setPrice("ollama/gpt-oss:20b", 1, null, 3);
    // 500 fresh and 500 cached tokens, 1 of output; 24 that are priced alike, cached or not, 2 of output.
    assertEquals(await cost(), (500 * 2 + 500 * 0.5 + 8 + 24 * 1 + 2 * 3) / 1e6);
  });
}
