import { assert, assertEquals, assertRejects } from "@std/assert";
import { createOpenAI } from "@ai-sdk/openai";
import { Agent, OpenAIProvider, Runner, tool } from "@openai/agents";
import { generateText, jsonSchema, stepCountIs, streamText, tool as aiTool } from "ai";
import OpenAI from "openai";
import type {
  FunctionTool,
  Response,
  ResponseFunctionCallOutputItemList,
  ResponseInputItem,
} from "openai/resources/responses/responses";
import { z } from "zod";
import { serverTest } from "./_server.ts";

const LOOK_UP: FunctionTool = {
  type: "function",
  name: "look_up",
  description: "Looks something up.",
  parameters: { type: "object", properties: { key: { type: "string" } }, required: ["key"] },
  strict: false,
};

serverTest("callers make the calls of the functions that they offer", async (server, test) => {
  const client = server.client(await server.token("ada"));
  const { clerk: { name: model }, assistant } = server.world;
  const ask = (input: string | ResponseInputItem[], more: { previous_response_id?: string } = {}) =>
    client.responses.create({ model, input, tools: [LOOK_UP], ...more });

  await test.step("the response ends with the call, and the result goes to the very run", async () => {
    const asked = await ask("look up alpha");
    assertEquals(asked.status, "completed");
    assertEquals(asked.tools.map((offered) => "name" in offered && offered.name), ["look_up"]);
    const [call] = callsOf(asked);
    assert(call && asked.output.length === 1);
    assertEquals([call.name, JSON.parse(call.arguments)], ["look_up", { key: "alpha" }]);
    const input = [result(call.call_id, "42")];
    const before = server.world.model.calls;
    const [one, two] = await Promise.all([ask(input, { previous_response_id: asked.id }), ask(input)]);
    assertEquals([one.output_text, one.id], ["Done: 42", two.id]);
    assertEquals(one.output.map(({ type }) => type), ["message"]);
    assertEquals(server.world.model.calls - before, 1);
    const error = await assertRejects(() => ask([result(call.call_id, "43")]), OpenAI.BadRequestError);
    assertEquals(error.code, "decision_conflict");
    assertEquals((await client.responses.retrieve(asked.id)).output, asked.output);
    assertEquals(await runsOf(server, "ada"), 1);
  });

  await test.step("it is streamed as OpenAI streams it", async () => {
    const stream = client.responses.stream({ model, input: "look up beta", tools: [LOOK_UP] });
    const types: string[] = [];
    for await (const { type } of stream) types.push(type);
    const [call] = callsOf(await stream.finalResponse());
    assertEquals(JSON.parse(call?.arguments ?? ""), { key: "beta" });
    assertEquals(types.slice(2), [
      "response.output_item.added",
      "response.function_call_arguments.delta",
      "response.function_call_arguments.done",
      "response.output_item.done",
      "response.completed",
    ]);
  });

  await test.step("the whole history sent again leads to the same run, and is history afterwards", async () => {
    const user = { role: "user" as const, content: "look up gamma" };
    const [call] = callsOf(await ask([user]));
    assert(call);
    const history: ResponseInputItem[] = [user, call, result(call.call_id, "7")];
    const answered = await ask(history);
    assertEquals(answered.output_text, "Done: 7");
    const next = [...history, { role: "user" as const, content: "Count." }];
    assertEquals((await ask(next)).output_text, "I see 4 items.");
  });

  await test.step("with several calls the run goes on when all results are there", async () => {
    const [first, second] = callsOf(await ask("look up one and look up two"));
    assert(first && second);
    const waiting = await ask([result(first.call_id, "1")]);
    assertEquals(callsOf(waiting).map(({ call_id: id }) => id), [second.call_id]);
    assertEquals((await ask([result(second.call_id, "2")])).output_text, "Done: 1, 2");
  });

  await test.step("calls are asked for in the order in which the model made them", async () => {
    const keys = Array.from({ length: 11 }, (_, index) => `k${index}`);
    const calls = callsOf(await ask(keys.map((key) => `look up ${key}`).join(" and ")));
    assertEquals(calls.map((call) => JSON.parse(call.arguments).key), keys);
  });

  await test.step("a result may have pictures and files, as OpenAI takes them", async () => {
    const [call] = callsOf(await ask("look up zeta"));
    assert(call);
    const pdf = "data:application/pdf;base64,AAAA";
    const output: ResponseFunctionCallOutputItemList = [
      { type: "input_text", text: "See:" },
      { type: "input_image", image_url: "data:image/png;base64,AAAA", detail: "low" },
      { type: "input_image", file_id: "file-1" },
      { type: "input_file", file_data: pdf, filename: "a.pdf" },
      { type: "input_file", file_data: pdf },
      { type: "input_file", file_url: "https://x.example/b.pdf", filename: "b.pdf" },
      { type: "input_file", file_id: "file-2" },
    ];
    const seen = (await ask([{ ...result(call.call_id, ""), output }])).output_text;
    assertEquals(JSON.parse(seen.replace("Done: ", "")), [
      { type: "input_text", text: "See:" },
      { type: "input_image", image: "data:image/png;base64,AAAA", detail: "low" },
      { type: "input_image", image: { id: "file-1" } },
      { type: "input_file", file: pdf, filename: "a.pdf" },
      { type: "input_file", file: pdf },
      { type: "input_file", file: { url: "https://x.example/b.pdf" }, filename: "b.pdf" },
      { type: "input_file", file: { id: "file-2" } },
    ]);
  });

  await test.step("results go where they belong, and nowhere else", async () => {
    const asked = await ask("look up delta");
    const [call] = callsOf(asked);
    assert(call);
    const other = server.client(await server.token("eve"));
    const input = [result(call.call_id, "stolen")];
    await assertRejects(() => other.responses.create({ model, input }), OpenAI.NotFoundError);
    await assertRejects(() => ask([result(call.call_id.replace(/\d+$/, "7"), "x")]), OpenAI.NotFoundError);
    await assertRejects(() => ask([result(`call_${"0".repeat(32)}_0`, "x")]), OpenAI.NotFoundError);
    await assertRejects(() => ask([result("call_made_up", "x")]), OpenAI.BadRequestError);
    await assertRejects(() => ask("Hello", { previous_response_id: asked.id }), OpenAI.BadRequestError);
    const early = [result(call.call_id, "9"), { role: "user" as const, content: "Hello" }];
    const refused = await assertRejects(
      () => ask(early, { previous_response_id: asked.id }),
      OpenAI.BadRequestError,
      "with the last items",
    );
    assertEquals(refused.param, "input[0].call_id");
    const sound = [{ ...result(call.call_id, ""), output: [{ type: "input_audio", data: "x" }] }];
    const unknown = await assertRejects(
      () => ask(sound as unknown as ResponseInputItem[]),
      OpenAI.BadRequestError,
    );
    assertEquals(unknown.param, "output[0].type");
    const text = [{ ...result(call.call_id, ""), output: [{ type: "input_text" as const, text: "9" }] }];
    assertEquals((await ask(text)).output_text, "Done: 9");
  });

  await test.step("an approval and a result are asked for and answered together", async () => {
    const asked = await ask("pay Bob and look up epsilon");
    const request = asked.output.find((item) => item.type === "mcp_approval_request");
    const [call] = callsOf(asked);
    assert(request && call && asked.output.length === 2);
    const approval = (id: string) => ({
      type: "mcp_approval_response" as const,
      approval_request_id: id,
      approve: true,
    });
    await assertRejects(() => ask([approval(call.call_id.replace("call", "mcpr"))]), OpenAI.NotFoundError);
    await assertRejects(() => ask([result(request.id.replace("mcpr", "call"), "x")]), OpenAI.NotFoundError);
    const answered = await ask([approval(request.id), result(call.call_id, "5")]);
    assertEquals(answered.output_text, "Done: paid Bob, 5");
    assertEquals(answered.output.map(({ type }) => type), ["mcp_call", "message"]);
  });

  await test.step("what an agent does not take is refused, and said", async () => {
    const refused = async (tools: unknown[], agent = model) => {
      const response = await server.send("POST", "/responses", { model: agent, input: "look up x", tools }, {
        authorization: `Bearer ${await server.token("ada")}`,
      });
      const { error } = await response.json();
      assertEquals(response.status, 400);
      return [error.param, error.code];
    };
    assertEquals(await refused([LOOK_UP], assistant.name), ["tools", "tools_not_accepted"]);
    assertEquals(await refused([{ ...LOOK_UP, name: "get_weather" }]), ["tools[0].name", "invalid_value"]);
    assertEquals((await refused([{ ...LOOK_UP, name: "no spaces" }]))[0], "tools[0].name");
    assertEquals((await refused([{ type: "web_search" }]))[0], "tools[0].type");
    assertEquals((await refused([LOOK_UP, LOOK_UP]))[0], "tools");
    assertEquals(
      (await refused([{ ...LOOK_UP, parameters: { type: "string" } }]))[0],
      "tools[0].parameters.type",
    );
  });

  await test.step("functions that take nothing are offered in all the ways in which clients offer them", async () => {
    for (const parameters of [{}, null, { type: "object", properties: {} }]) {
      const { tools } = await client.responses.create({
        model,
        input: "Hello",
        tools: [{ ...LOOK_UP, parameters }],
      });
      assertEquals(tools, [{ ...LOOK_UP, parameters: { type: "object", properties: {} } }]);
    }
  });

  await test.step("tool_choice none leaves the functions out", async () => {
    const { tools } = await client.responses.create({
      model,
      input: "Hello",
      tools: [LOOK_UP],
      tool_choice: "none",
    });
    assertEquals(tools, []);
    const allowed = await client.responses.create({
      model,
      input: "Hello",
      tools: [LOOK_UP, { ...LOOK_UP, name: "look_down" }],
      tool_choice: { type: "allowed_tools", mode: "auto", tools: [{ type: "function", name: "look_down" }] },
    });
    assertEquals(allowed.tools.map((offered) => "name" in offered && offered.name), ["look_down"]);
  });
});

serverTest("agent SDKs as clients call their own functions", async (server, test) => {
  const { clerk: { name: model } } = server.world;
  const key = await server.token("ada");

  await test.step("the Agents SDK", async () => {
    const looked: string[] = [];
    const lookUp = tool({
      name: "look_up",
      description: "Looks something up.",
      parameters: z.object({ key: z.string() }),
      execute: ({ key }) => {
        looked.push(key);
        return `found ${key}`;
      },
    });
    const agent = new Agent({ name: "Caller", model, tools: [lookUp] });
    const modelProvider = new OpenAIProvider({ openAIClient: server.client(key), useResponses: true });
    const runner = new Runner({ modelProvider, tracingDisabled: true });
    assertEquals((await runner.run(agent, "look up Oslo")).finalOutput, "Done: found Oslo");
    const streamed = await runner.run(agent, "look up Rome and look up Bari", { stream: true });
    await streamed.completed;
    assertEquals(streamed.finalOutput, "Done: found Rome, found Bari");
    assertEquals(looked, ["Oslo", "Rome", "Bari"]);
  });

  await test.step("Vercel's AI SDK", async () => {
    const openai = createOpenAI({ apiKey: key, baseURL: server.url });
    const tools = {
      // deno-lint-ignore camelcase -- what the scripted model calls it
      look_up: aiTool({
        description: "Looks something up.",
        inputSchema: jsonSchema<{ key: string }>({
          type: "object",
          properties: { key: { type: "string" } },
          required: ["key"],
        }),
        execute: ({ key }) => `found ${key}`,
      }),
    };
    const options = { model: openai.responses(model), tools, stopWhen: stepCountIs(3), system: "Be brief." };
    assertEquals((await generateText({ ...options, prompt: "look up Oslo" })).text, "Done: found Oslo");
    const { textStream } = streamText({ ...options, prompt: "look up Rome" });
    let text = "";
    for await (const part of textStream) text += part;
    assertEquals(text, "Done: found Rome");
  });
});

function callsOf({ output }: Response) {
  return output.filter((item) => item.type === "function_call");
}

function result(callId: string, output: string) {
  return { type: "function_call_output" as const, call_id: callId, output };
}

async function runsOf(server: Parameters<Parameters<typeof serverTest>[1]>[0], ownerId: string) {
  const [row] = await server.database.query(
    "select count(*)::int as count from timestep.runs where owner_id = $1",
    [ownerId],
  );
  return Number(row?.["count"]);
}
