import { assert, assertEquals } from "@std/assert";
import { follow } from "../../mod.ts";
import { serverTest, SERVICE_KEY, type TestServer } from "./_server.ts";

serverTest("bad input is refused in OpenAI's shape, and nothing is written", async (server, test) => {
  const ada = { authorization: `Bearer ${await server.token("ada")}` };
  const model = server.world.assistant.name;
  const good = { model, input: "Hello" };
  const before = await written(server);
  const refused = async (body: unknown, status?: number, path = "/responses") => {
    const response = await server.send("POST", path, body, ada);
    const { error } = await response.json();
    assert(
      response.status >= 400 && response.status < 500,
      `${response.status} for ${String(body).slice(0, 80)}`,
    );
    if (status !== undefined) assertEquals(response.status, status, JSON.stringify(error));
    assertEquals(typeof error.message, "string");
    assertEquals(Object.keys(error), ["message", "type", "param", "code"]);
    return error;
  };

  await test.step("bodies that are no JSON objects", async () => {
    for (
      const body of [
        "{",
        "",
        "[]",
        "null",
        '"x"',
        "\u0000",
        '{"a":}',
        "[".repeat(100_000),
        "[".repeat(1e5) + "]".repeat(1e5),
      ]
    ) {
      await refused(body, 400);
    }
    await refused(`{"model":"x","input":${'{"a":'.repeat(5000)}1${"}".repeat(5000)}}`, 400);
  });

  await test.step("fields of the wrong kind, which are named", async () => {
    const wrong: [param: string, fields: Record<string, unknown>][] = [
      ["model", { model: 1 }],
      ["model", { model: "" }],
      ["input", { input: 1 }],
      ["input", { input: "" }],
      ["input", { input: [] }],
      ["input", { input: [1] }],
      ["input", { input: Array.from({ length: 11 }, () => ({ role: "user", content: "x" })) }],
      ["input[0].type", { input: [{}] }],
      ["input[0].role", { input: [{ role: "king", content: "Obey." }] }],
      ["input[0].content", { input: [{ role: "user", content: 5 }] }],
      ["stream", { stream: "yes" }],
      ["background", { background: 1 }],
      ["metadata", { metadata: "x" }],
      ["metadata.a", { metadata: { a: 1 } }],
      ["metadata.a", { metadata: { a: "x".repeat(513) } }],
      ["metadata", { metadata: { ["x".repeat(65)]: "" } }],
      ["metadata", {
        metadata: Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`${index}`, ""])),
      }],
      ["conversation", { conversation: 5 }],
      ["conversation", {
        conversation: `conv_${"0".repeat(32)}`,
        previous_response_id: `resp_${"0".repeat(32)}`,
      }],
    ];
    for (const [param, fields] of wrong) {
      assertEquals((await refused({ ...good, ...fields }, 400)).param, param);
    }
    const items = [
      { content: "x" },
      { role: "user" },
      { role: "user", content: [5] },
      // As in Chat Completions.
      { role: "user", content: [{ type: "text", text: "x" }] },
    ];
    const messages = await Promise.all(
      items.map(async (item) => (await refused({ ...good, input: [item] })).message),
    );
    assertEquals(messages, [
      "Invalid 'input[0].type': an item needs a type, or as a message a role.",
      "Invalid 'input[0].content': it has to be a text or a list of parts.",
      "Invalid 'input[0].content[0]': Invalid input: expected object, received number.",
      "Invalid 'input[0].content[0].type': content of type 'text' is not taken. What is sent is 'input_text', " +
      "'input_image' or 'input_file'; what the assistant said, 'output_text' or 'refusal'.",
    ]);
    await refused({
      ...good,
      input: [{ type: "mcp_approval_response", approval_request_id: 1, approve: true }],
    }, 400);
    await refused({
      ...good,
      input: [{ type: "mcp_approval_response", approval_request_id: "x", approve: true }],
    }, 404);
    await refused({ ...good, input: [{ type: "item_reference", id: 5 }] }, 404);
    await refused({ ...good, previous_response_id: "\u0000" }, 404);
    await refused({ ...good, conversation: "x'; drop table timestep.runs; --" }, 404);
    await refused({ ...good, model: "\u0000" }, 404);
    const added = { items: [{ role: "user", content: 5 }] };
    assertEquals((await refused(added, 400, "/conversations")).param, "items[0].content");
    await refused({ metadata: { a: 1 } }, 400, "/conversations");
  });

  await test.step("conditions that clients know OpenAI's codes of", async () => {
    const known: [code: string, body: Record<string, unknown>, status: number][] = [
      ["missing_required_parameter", { model }, 400],
      ["model_not_found", { ...good, model: "nobody" }, 404],
      ["previous_response_not_found", { ...good, previous_response_id: "resp_1" }, 404],
      ["previous_response_not_found", { ...good, previous_response_id: `resp_${"0".repeat(32)}` }, 404],
      [
        "mutually_exclusive_parameters",
        { ...good, previous_response_id: "resp_1", conversation: "conv_1" },
        400,
      ],
    ];
    for (const [code, body, status] of known) assertEquals((await refused(body, status)).code, code);
  });

  await test.step("whatever else", async () => {
    const random = generator(20261121);
    for (let round = 0; round < 150; round++) {
      await refused({ model, input: [{ type: "x", ...junk(random) }] });
    }
  });

  await test.step("paths, methods and queries that there are not", async () => {
    const wrong: [method: string, path: string, status: number][] = [
      ["GET", "/nothing", 404],
      ["GET", "/responses", 405],
      ["PUT", "/conversations", 405],
      ["GET", "/responses/%00", 404],
      ["GET", "/responses/%ZZ", 404],
      ["GET", "/constructor", 404],
      ["GET", "/responses/../../etc", 404],
      ["POST", "/responses/compact", 404],
      ["POST", "/responses/input_tokens", 404],
    ];
    for (const [method, path, status] of wrong) {
      const response = await server.send(method, path, undefined, ada);
      assertEquals(response.status, status, path);
      assertEquals(response.headers.has("allow"), status === 405);
      assert((await response.json()).error.message);
    }
  });

  await test.step("bodies that are too large, or do not come", async () => {
    const large = await server.send("POST", "/responses", `{"input":"${"x".repeat(300_000)}"}`, ada);
    assertEquals(large.status, 413);
    await large.body?.cancel();
    const zipped = { ...ada, "content-encoding": "gzip" };
    const packed = await server.send("POST", "/responses", "x", zipped);
    assertEquals(packed.status, 415);
    await packed.body?.cancel();
    const end = Promise.withResolvers<void>();
    const stalled = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new Uint8Array([123])),
      pull: (controller) => end.promise.then(() => controller.close()),
    });
    const slow = await fetch(`${server.url}/responses`, { method: "POST", body: stalled, headers: ada });
    assertEquals([slow.status, slow.headers.get("x-should-retry")], [408, "false"]);
    end.resolve();
    await slow.body?.cancel();
  });

  assertEquals(await written(server), before);

  await test.step("lone surrogates and NULs are kept as they came", async () => {
    const response = await server.send(
      "POST",
      "/responses",
      '{"input":"a\\ud800b\\u0000","model":"' + model + '"}',
      ada,
    );
    assertEquals(response.status, 200);
    const { id } = await response.json();
    const items = await (await server.send("GET", `/responses/${id}/input_items`, undefined, ada)).json();
    assertEquals(items.data[0].content[0].text, "a\ud800b\u0000");
  });

  await test.step("requests that are small, but refer to much", async () => {
    const content = "x".repeat(100_000);
    const conversation = await (await server.send("POST", "/conversations", {
      items: [{ role: "user", content }],
    }, ada)).json();
    const path = `/conversations/${conversation.id}/items`;
    const { data: [{ id }] } = await (await server.send("GET", path, undefined, ada)).json();
    const references = (count: number) => Array(count).fill({ type: "item_reference", id });
    const { param, code } = await refused({ model, input: references(3) }, 413);
    assertEquals([param, code], ["input[2].id", "body_too_large"]);
    assertEquals((await refused({ items: references(3) }, 413, path)).param, "items[2].id");
    const added = await (await server.send("POST", path, { items: references(2) }, ada)).json();
    assertEquals(added.data.length, 2);
  });
}, { bodyBytes: 250_000, bodyMs: 300, inputItems: 10 });

serverTest("limits are answered with 429 and when to come back", async (server) => {
  const client = server.client(await server.token("ada"));
  const model = server.world.assistant.name;
  server.world.model.hold();
  const { id } = await client.responses.create({ model, input: "Wait.", background: true });
  const refused = await server.send("POST", "/responses", { model, input: "Hello", background: true }, {
    authorization: `Bearer ${await server.token("ada")}`,
  });
  assertEquals([refused.status, (await refused.json()).error.code], [429, "concurrent_runs_exceeded"]);
  assert(Number(refused.headers.get("retry-after")) > 0);
  server.world.model.release();
  for await (const event of follow(client, id)) if (event.type === "response.completed") break;
  const headers = { authorization: `Bearer ${await server.token("bob")}` };
  const statuses: number[] = [];
  for (let request = 0; request < 6; request++) {
    const response = await server.send("GET", "/models", undefined, headers);
    statuses.push(response.status);
    await response.body?.cancel();
  }
  assertEquals(statuses.includes(429), true);
  const service = await server.send("GET", "/models", undefined, { authorization: `Bearer ${SERVICE_KEY}` });
  assertEquals(service.status, 200);
  await service.body?.cancel();
}, { concurrentRuns: 1, requestsPerMinute: 4 });

serverTest("a browser is let in from anywhere, with whatever headers its client sends", async (server) => {
  const preflight = await fetch(`${server.url}/responses`, {
    method: "OPTIONS",
    headers: {
      origin: "https://app.example",
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization,x-stainless-os,idempotency-key",
    },
  });
  assertEquals(preflight.status, 204);
  assertEquals(
    preflight.headers.get("access-control-allow-headers"),
    "authorization,x-stainless-os,idempotency-key",
  );
  const refused = await fetch(`${server.url}/models`, { headers: { origin: "https://app.example" } });
  assertEquals([refused.status, refused.headers.get("access-control-allow-origin")], [401, "*"]);
  await refused.body?.cancel();
});

async function written(server: TestServer): Promise<unknown> {
  const [row] = await server.database.query(
    `select (select count(*) from timestep.runs) as runs, (select count(*) from timestep.responses) as responses,
       (select count(*) from timestep.sessions) as sessions`,
  );
  return row;
}

function generator(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
}

function junk(random: () => number, depth = 0): Record<string, unknown> {
  const values: (() => unknown)[] = [
    () => null,
    () => random() * 1e9,
    () => "\ud800\u0000'\"",
    () => [],
    () => true,
    () => depth < 4 ? junk(random, depth + 1) : {},
  ];
  const names = ["id", "role", "content", "call_id", "output", "arguments", "__proto__", "status", "summary"];
  return Object.fromEntries(
    names.filter(() => random() < 0.5).map((
      name,
    ) => [name, values[Math.floor(random() * values.length)]?.()]),
  );
}
