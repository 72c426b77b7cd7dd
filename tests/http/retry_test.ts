import { assertEquals, assertRejects } from "@std/assert";
import OpenAI from "openai";
import { createAgentsClient, follow } from "../../mod.ts";
import { serverTest, type TestServer } from "./_server.ts";

serverTest("a request that is sent again is the same run", async (server, test) => {
  const key = await server.token("ada");
  const client = server.client(key);
  const { assistant: { name: model }, model: { calls: _ } } = server.world;

  await test.step("when the official client lost the first reply", async () => {
    const losing = server.client(key, { maxRetries: 2, fetch: losingFirst() });
    const before = await runs(server);
    const response = await losing.responses.create({ model, input: "Hello" });
    assertEquals(response.output_text, "You said: Hello");
    assertEquals(await runs(server) - before, 1);
  });

  await test.step("when it goes on from a previous response", async () => {
    const first = await client.responses.create({ model, input: "Hello" });
    const before = await runs(server);
    const again = () => client.responses.create({ model, input: "Bye", previous_response_id: first.id });
    assertEquals((await again()).id, (await again()).id);
    assertEquals(await runs(server) - before, 1);
  });

  await test.step("when it has an Idempotency-Key, and refused with another body", async () => {
    const headers = { "Idempotency-Key": "k1" };
    const before = await runs(server);
    const create = (input: string, caller = client) => caller.responses.create({ model, input }, { headers });
    const [one, two] = await Promise.all([create("Hello"), create("Hello")]);
    assertEquals(one.id, two.id);
    assertEquals((await create("Hello")).id, one.id);
    assertEquals(await runs(server) - before, 1);
    const error = await assertRejects(() => create("Bye"), OpenAI.UnprocessableEntityError);
    assertEquals([error.code, error.headers?.get("x-should-retry")], ["idempotency_key_reused", "false"]);
    // Keys are the owner's own.
    const other = server.client(await server.token("eve"));
    assertEquals((await create("Hello", other)).id === one.id, false);
  });

  await test.step("createAgentsClient() sends a key, and the same in every attempt", async () => {
    const keys: (string | null)[] = [];
    const losing = losingFirst();
    const agents = await createAgentsClient({
      apiKey: key,
      baseURL: server.url,
      fetch: (input, init) => {
        keys.push(new Headers(init?.headers).get("idempotency-key"));
        return losing(input, init);
      },
    });
    const response = await agents.responses.create({ model, input: "Hello" });
    assertEquals(response.output_text, "You said: Hello");
    assertEquals([keys.length, new Set(keys).size, keys.includes(null)], [2, 1, false]);
  });

  await test.step("follow() gives each event once, however often the stream breaks", async () => {
    const { id } = await client.responses.create({ model, input: "a b c d e f", background: true });
    const breaking = server.client(key, { fetch: breakingStreams(2500) });
    const numbers: number[] = [];
    let text = "";
    for await (const event of follow(breaking, id)) {
      if ("sequence_number" in event) numbers.push(event.sequence_number);
      if (event.type === "response.output_text.delta") text += event.delta;
    }
    assertEquals(text, "You said: a b c d e f");
    assertEquals(numbers, numbers.map((_number, index) => index));
    await assertRejects(async () => {
      for await (const _event of follow(client, `resp_${"0".repeat(32)}`)) { /* There is none. */ }
    }, OpenAI.NotFoundError);
  });
});

serverTest("a request that takes too long is refused, and its run goes on", async (server) => {
  const client = server.client(undefined, { maxRetries: 2 });
  const model = server.world.assistant.name;
  server.world.model.hold();
  const before = await runs(server);
  const error = await assertRejects(
    () => client.responses.create({ model, input: "Wait." }),
    OpenAI.UnprocessableEntityError,
  );
  assertEquals([error.code, error.param], ["run_in_progress", "background"]);
  const [id = ""] = /resp_[0-9a-f]{32}/.exec(error.message) ?? [];
  // A stream breaks off with an error, so that nobody takes it for the end.
  await assertRejects(async () => {
    for await (const _event of await client.responses.retrieve(id, { stream: true })) { /* It waits. */ }
  });
  server.world.model.release();
  for await (const event of follow(client, id)) if (event.type === "response.completed") break;
  assertEquals((await client.responses.retrieve(id)).output_text, "I have waited for long.");
  assertEquals(await runs(server) - before, 1);
}, { foregroundMs: 300, streamMs: 300 });

async function runs(server: TestServer): Promise<number> {
  const [row] = await server.database.query("select count(*)::int as count from timestep.runs");
  return Number(row?.["count"]);
}

/** Lets the first request through, and loses the reply. */
function losingFirst(): typeof fetch {
  let first = true;
  return async (input, init) => {
    const response = await fetch(input, init);
    if (!first) return response;
    first = false;
    await response.body?.cancel();
    throw new TypeError("The connection was lost");
  };
}

/** Breaks every stream off after so many bytes. */
function breakingStreams(bytes: number): typeof fetch {
  return async (input, init) => {
    const response = await fetch(input, init);
    if (!response.headers.get("content-type")?.startsWith("text/event-stream") || !response.body) {
      return response;
    }
    let left = bytes;
    const broken = response.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          controller.enqueue(chunk.subarray(0, left));
          left -= chunk.byteLength;
          if (left <= 0) controller.error(new TypeError("The connection was lost"));
        },
      }),
    );
    return new Response(broken, { status: response.status, headers: response.headers });
  };
}
