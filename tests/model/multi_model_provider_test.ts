import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  Agent,
  type Model,
  type ModelProvider,
  OpenAIChatCompletionsModel,
  OpenAIResponsesModel,
  Runner,
} from "@openai/agents";
import { ScriptedModel } from "@openai/agents-core/testing";
import OpenAI from "openai";
import {
  MissingApiKeyError,
  MultiModelProvider,
  MultiModelProviderMap,
  OllamaModelProvider,
  UnknownModelPrefixError,
} from "@timestep-ai/timestep";
import { OpenAIStandIn } from "../openai_stand_in/mod.ts";
import { emptyEnvironment, redirect } from "./_environment.ts";
import { OllamaStandIn } from "./_ollama_stand_in.ts";

const ROUTES: [name: string, server: "openai" | "local" | "cloud", model: string][] = [
  ["gpt-4.1", "openai", "gpt-4.1"],
  ["openai/gpt-4.1", "openai", "gpt-4.1"],
  ["ft:gpt-4.1:my-org:custom:id", "openai", "ft:gpt-4.1:my-org:custom:id"],
  ["gpt-4.1-cloud", "openai", "gpt-4.1-cloud"],
  ["ollama/gpt-oss:20b", "local", "gpt-oss:20b"],
  ["ollama/gpt-oss:20b-cloud", "cloud", "gpt-oss:20b"],
  [
    "ollama/hf.co/bartowski/Llama-3.2-3B-Instruct-GGUF:Q4_K_M",
    "local",
    "hf.co/bartowski/Llama-3.2-3B-Instruct-GGUF:Q4_K_M",
  ],
  ["ollama/openai/gpt-oss:20b", "local", "openai/gpt-oss:20b"],
];

for (const [name, server, model] of ROUTES) {
  Deno.test(`MultiModelProvider sends ${name} to ${server} as ${model}`, async () => {
    await using openai = new OpenAIStandIn({ script: () => [{ type: "message", text: "openai" }] });
    await using local = new OllamaStandIn(() => ({ content: "local" }));
    await using cloud = new OllamaStandIn(() => ({ content: "cloud" }));
    using _environment = emptyEnvironment({
      OLLAMA_HOST: local.host,
      OLLAMA_API_KEY: "cloud-key",
      OPENAI_API_KEY: "openai-key",
    });
    using _redirect = redirect("https://ollama.com/", `http://${cloud.host}/`);
    const modelProvider = new MultiModelProvider({ openaiBaseURL: openai.url });
    const runner = new Runner({ modelProvider, tracingDisabled: true });

    const { finalOutput } = await runner.run(new Agent({ name: "Assistant", model: name }), "Where are you?");

    assertEquals(finalOutput, server);
    const sent = [
      ...openai.modelCalls,
      ...local.requests.map(({ body }) => body),
      ...cloud.requests.map(({ body }) => body),
    ];
    assertEquals(sent.map((body) => body.model), [model]);
    assertEquals(
      [...local.requests].map(({ headers }) => headers.get("authorization")),
      local.requests.map(() => null),
    );
    assertEquals(
      cloud.requests.map(({ headers }) => headers.get("authorization")),
      cloud.requests.map(() => "Bearer cloud-key"),
    );
    assertEquals([local.mistakes, cloud.mistakes, openai.refusals], [[], [], []]);
  });
}

Deno.test("MultiModelProvider keeps further slashes for OpenAI too", async () => {
  await using openai = new OpenAIStandIn();
  const modelProvider = new MultiModelProvider({ openaiApiKey: "key", openaiBaseURL: openai.url });
  const runner = new Runner({ modelProvider, tracingDisabled: true });
  const agent = new Agent({ name: "Assistant", model: "openai/meta/llama-3" });
  await assertRejects(() => runner.run(agent, "Hello"), OpenAI.BadRequestError, "'meta/llama-3'");
});

Deno.test("MultiModelProvider uses the SDK's default model when an agent names none", async () => {
  await using openai = new OpenAIStandIn({ script: () => [{ type: "message", text: "Hello!" }] });
  using _environment = emptyEnvironment({
    OPENAI_API_KEY: "openai-key",
    OPENAI_BASE_URL: openai.url,
    OPENAI_DEFAULT_MODEL: "gpt-4.1-mini",
  });
  const runner = new Runner({ modelProvider: new MultiModelProvider(), tracingDisabled: true });
  await runner.run(new Agent({ name: "Assistant" }), "Hello");
  const model = await new MultiModelProvider().getModel();
  assertEquals(openai.modelCalls.map((body) => body.model), ["gpt-4.1-mini"]);
  assertEquals(model instanceof OpenAIResponsesModel, true);
});

Deno.test("MultiModelProvider says which prefixes there are when it does not know one", async () => {
  const providerMap = new MultiModelProviderMap();
  providerMap.addProvider("mine", new OllamaModelProvider());
  const provider = new MultiModelProvider({ providerMap });
  for (
    const [name, prefix] of [["anthropic/claude/4", "anthropic"], ["Ollama/x", "Ollama"], ["/gpt-4.1", ""], [
      "mine2/x",
      "mine2",
    ]] as const
  ) {
    const error = await assertRejects(
      () => provider.getModel(name),
      UnknownModelPrefixError,
      JSON.stringify(name),
    );
    assertEquals([error.code, error.prefix, error.knownPrefixes], ["unknown_model_prefix", prefix, [
      "mine",
      "ollama",
      "openai",
    ]]);
    assertStringIncludes(error.message, '"mine", "ollama", "openai"');
  }
});

Deno.test("MultiModelProvider's error for an unknown prefix reaches the caller of a run, also of a stream", async () => {
  const runner = new Runner({ modelProvider: new MultiModelProvider(), tracingDisabled: true });
  const agent = new Agent({ name: "Assistant", model: "anthropic/claude" });
  await assertRejects(() => runner.run(agent, "Hello"), UnknownModelPrefixError);
  await assertRejects(async () => {
    const result = await runner.run(agent, "Hello", { stream: true });
    await result.completed;
  }, UnknownModelPrefixError);
});

Deno.test("MultiModelProvider prefers the providers that were added, also for its own prefixes and for no prefix", async () => {
  const asked: unknown[] = [];
  const mine: ModelProvider = {
    getModel: (name) => (asked.push(name), new ScriptedModel()),
  };
  const providerMap = new MultiModelProviderMap();
  for (const prefix of ["openai", "ollama", "yours"]) providerMap.addProvider(prefix, mine);
  const provider = new MultiModelProvider({ providerMap });
  const names = ["openai/gpt-4.1", "gpt-4.1", "ollama/gpt-oss:20b-cloud", "yours/a/b/c", "yours/", undefined];
  for (const name of names) await provider.getModel(name);
  assertEquals(asked, ["gpt-4.1", "gpt-4.1", "gpt-oss:20b-cloud", "a/b/c", undefined, undefined]);
});

Deno.test("MultiModelProvider sees a provider that is added or removed later", async () => {
  const provider = new MultiModelProvider();
  const model: Model = new ScriptedModel();
  provider.providerMap.addProvider("later", { getModel: () => model });
  assertEquals(await provider.getModel("later/x"), model);
  provider.providerMap.removeProvider("later");
  await assertRejects(() => provider.getModel("later/x"), UnknownModelPrefixError);
});

Deno.test("MultiModelProvider needs no key until a model is used, and then names the variable", async () => {
  using _environment = emptyEnvironment();
  for (const options of [{}, { openaiApiKey: "" }, { openai_api_key: "" }]) {
    const provider = new MultiModelProvider(options);
    await assertRejects(() => provider.getModel("gpt-4.1"), OpenAI.OpenAIError, "OPENAI_API_KEY");
    const error = await assertRejects(
      () => provider.getModel("ollama/gpt-oss:20b-cloud"),
      MissingApiKeyError,
      "OLLAMA_API_KEY",
    );
    assertEquals([error.code, error.variable], ["missing_api_key", "OLLAMA_API_KEY"]);
    await provider.getModel("ollama/gpt-oss:20b");
  }
});

Deno.test("MultiModelProvider takes OpenAI's key in both spellings, and from the environment when it is empty", async () => {
  for (
    const [options, key] of [
      [{ openaiApiKey: "camel" }, "camel"],
      [{ openai_api_key: "snake" }, "snake"],
      [{ openaiApiKey: "camel", openai_api_key: "snake" }, "camel"],
      [{ openaiApiKey: "", openai_api_key: "snake" }, "snake"],
      [{ openai_api_key: "" }, "environment"],
      [{}, "environment"],
    ] as const
  ) {
    const keys: (string | null)[] = [];
    await using server = keyServer(keys);
    using _environment = emptyEnvironment({ OPENAI_API_KEY: "environment" });
    const provider = new MultiModelProvider({ ...options, openaiBaseURL: server.url });
    await assertRejects(
      () =>
        new Runner({ modelProvider: provider, tracingDisabled: true }).run(
          new Agent({ name: "Assistant", model: "gpt-4.1" }),
          "Hello",
        ),
      OpenAI.AuthenticationError,
    );
    assertEquals(keys, [`Bearer ${key}`]);
  }
});

Deno.test("MultiModelProvider calls OpenAI as it is told: over Chat Completions, with a client of one's own", async () => {
  const chat = new MultiModelProvider({ openaiApiKey: "key", openaiUseResponses: false });
  assertEquals(await chat.getModel("gpt-4.1") instanceof OpenAIChatCompletionsModel, true);

  await using openai = new OpenAIStandIn({ script: () => [{ type: "message", text: "Hello!" }] });
  const modelProvider = new MultiModelProvider({
    openaiClient: new OpenAI({ apiKey: "key", baseURL: openai.url }),
  });
  await new Runner({ modelProvider, tracingDisabled: true }).run(
    new Agent({ name: "Assistant", model: "gpt-4.1" }),
    "Hello",
  );
  assertEquals(openai.modelCalls.length, 1);
});

function keyServer(keys: (string | null)[]) {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    keys.push(request.headers.get("authorization"));
    return Response.json({ error: { message: "no" } }, { status: 401 });
  });
  return { url: `http://127.0.0.1:${server.addr.port}/v1`, [Symbol.asyncDispose]: () => server.shutdown() };
}
