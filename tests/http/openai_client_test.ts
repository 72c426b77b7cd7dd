import { assert, assertEquals, assertRejects } from "@std/assert";
import OpenAI from "openai";
import { serverTest } from "./_server.ts";

serverTest("the official client makes, reads and streams responses", async (server, test) => {
  const client = server.client(await server.token("ada"));
  const model = server.world.assistant.name;

  await test.step("models.list() and models.retrieve() name the agents", async () => {
    const names = [model, server.world.clerk.name];
    assertEquals((await client.models.list()).data.map(({ id }) => id), names);
    assertEquals((await client.models.retrieve(model)).id, model);
    await assertRejects(() => client.models.retrieve("gpt-4.1"), OpenAI.NotFoundError);
  });

  await test.step("responses.create() gives the agent's answer", async () => {
    const response = await client.responses.create({
      model,
      input: "Hello",
      metadata: { topic: "greeting" },
    });
    assertEquals(response.status, "completed");
    assertEquals(response.output_text, "You said: Hello");
    assertEquals(response.metadata, { topic: "greeting" });
    assertEquals(response.usage?.total_tokens, 15);
    assert(response._request_id?.startsWith("req_"));
    assertEquals((await client.responses.retrieve(response.id)).output, response.output);
  });

  await test.step("responses.create() shows the agent's own tools as mcp_call", async () => {
    const { output } = await client.responses.create({ model, input: "What's the weather in Oakland?" });
    const [call, message] = output;
    assert(call?.type === "mcp_call" && message?.type === "message");
    assertEquals([call.name, JSON.parse(call.arguments), call.output], [
      "get_weather",
      { city: "Oakland" },
      "sunny in Oakland",
    ]);
    const expert = await client.responses.create({ model, input: "ask the expert why" });
    assert(expert.output[0]?.type === "mcp_call");
    assertEquals(expert.output[0].output, "You said: why");
    assertEquals(expert.usage?.total_tokens, 45);
  });

  await test.step("responses.stream() assembles the same response", async () => {
    const stream = client.responses.stream({ model, input: "What's the weather in Rome?" });
    const numbers: number[] = [];
    let text = "";
    for await (const event of stream) {
      if ("sequence_number" in event) numbers.push(event.sequence_number);
      if (event.type === "response.output_text.delta") text += event.delta;
    }
    const response = await stream.finalResponse();
    assertEquals(text, "Done: sunny in Rome");
    assertEquals(response.output_text, text);
    assertEquals(numbers, numbers.map((_number, index) => index));
    const stored = await client.responses.retrieve(response.id);
    assertEquals(
      stored.output.map(({ id }) => id),
      response.output.map(({ id }) => id),
    );
  });

  await test.step("responses.retrieve() streams what comes after a cursor, the same each time", async () => {
    const { id } = await client.responses.create({ model, input: "one two three", background: true });
    const all = await collect(await client.responses.retrieve(id, { stream: true }));
    assertEquals(all.at(-1)?.type, "response.completed");
    for (const after of [0, 3, all.length - 2]) {
      const rest = await collect(
        await client.responses.retrieve(id, { stream: true, starting_after: after }),
      );
      assertEquals(rest, all.slice(after + 1));
    }
    const helped = client.responses.stream({ response_id: id, starting_after: 3 });
    assertEquals((await helped.finalResponse()).output_text, "You said: one two three");
  });

  await test.step("responses.create() in the background is polled to its end", async () => {
    server.world.model.hold();
    const queued = await client.responses.create({ model, input: "Wait.", background: true });
    assertEquals([queued.status, queued.output], ["queued", []]);
    server.world.model.release();
    let response = queued;
    while (response.status === "queued" || response.status === "in_progress") {
      await new Promise((resolve) => setTimeout(resolve, 20));
      response = await client.responses.retrieve(queued.id);
    }
    assertEquals([response.status, response.output_text], ["completed", "I have waited for long."]);
  });

  await test.step("responses.cancel() ends a run for good, twice the same", async () => {
    server.world.model.hold();
    const { id } = await client.responses.create({ model, input: "Wait.", background: true });
    const events = collect(await client.responses.retrieve(id, { stream: true }));
    assertEquals((await client.responses.cancel(id)).status, "cancelled");
    assertEquals((await client.responses.cancel(id)).status, "cancelled");
    const last = (await events).at(-1);
    assert(last?.type === "response.incomplete");
    assertEquals(last.response.status, "cancelled");
    server.world.model.release();
  });

  await test.step("responses.create() tells of a run that fails or is blocked", async () => {
    const failed = await client.responses.create({ model, input: "Fail." });
    assertEquals([failed.status, failed.error?.code], ["failed", "server_error"]);
    const blocked = await client.responses.create({ model, input: "spam" });
    assertEquals([blocked.status, blocked.error?.code, blocked.output], ["failed", "invalid_prompt", []]);
  });

  await test.step("responses.inputItems.list() pages, and responses.delete() forgets", async () => {
    const input = ["a", "b", "c"].map((content) => ({ role: "user" as const, content }));
    const { id } = await client.responses.create({ model, input });
    const texts: unknown[] = [];
    for await (const item of client.responses.inputItems.list(id, { limit: 2, order: "asc" })) {
      texts.push("content" in item ? item.content : null);
    }
    // As parts, also where texts were sent: the clients' types know nothing else.
    assertEquals(texts, ["a", "b", "c"].map((text) => [{ type: "input_text", text }]));
    await client.responses.delete(id);
    await assertRejects(() => client.responses.retrieve(id), OpenAI.NotFoundError);
  });
});

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const events: T[] = [];
  for await (const event of stream) events.push(event);
  return events;
}
