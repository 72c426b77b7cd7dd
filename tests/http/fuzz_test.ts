import { assert, assertEquals } from "@std/assert";
import { serverTest, type TestServer } from "./_server.ts";

/** Every case follows from its number: what failed once fails again. */
const SEED = Number(Deno.env.get("TIMESTEP_FUZZ_SEED") ?? 20261121);
const CASES = Number(Deno.env.get("TIMESTEP_FUZZ_CASES") ?? 150);

interface Ids {
  response: string;
  conversation: string;
  item: string;
  approval: string;
  call: string;
}

type Random = () => number;
type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

serverTest("whatever is sent, nothing breaks, and what is refused leaves nothing behind", async (server) => {
  const headers = { authorization: `Bearer ${await server.token("ada")}` };
  const model = server.world.clerk.name;
  const ids = await makeIds(server, headers);
  let before = await rows(server);
  const statuses = new Set<number>();
  for (let number = 0; number < CASES; number++) {
    const random = generator(SEED + number);
    const { method, path, body } = request(random, ids, model);
    const what = `case ${SEED + number}: ${method} ${path} ${body?.slice(0, 300)}`;
    const response = await server.send(method, path, body, { ...headers, ...oddHeaders(random) });
    const text = await response.text();
    statuses.add(response.status);
    assert(response.status < 500, `${response.status} for ${what}: ${text}`);
    if (response.status < 400) {
      before = await rows(server);
      continue;
    }
    const { error } = JSON.parse(text);
    assertEquals(Object.keys(error), ["message", "type", "param", "code"], what);
    assert(
      !/violates|syntax error|invalid input syntax|StatementError/i.test(error.message),
      `${error.message} for ${what}`,
    );
    assertEquals(await rows(server), before, what);
  }
  // It gets through to the routes, and not only past the door.
  for (const status of [200, 400, 404]) assert(statuses.has(status), `no ${status} among ${[...statuses]}`);
}, { requestsPerMinute: 100_000 });

async function makeIds(server: TestServer, headers: Record<string, string>): Promise<Ids> {
  const post = async (path: string, body: unknown) =>
    await (await server.send("POST", path, body, headers)).json();
  const model = server.world.clerk.name;
  const conversation = await post("/conversations", { items: [{ role: "user", content: "x" }] });
  const items =
    await (await server.send("GET", `/conversations/${conversation.id}/items`, undefined, headers))
      .json();
  const { id: response } = await post("/responses", { model, input: "Hello" });
  const tools = [{ type: "function", name: "look_up" }];
  const asked = await post("/responses", { model, input: "pay Bob and look up x", tools });
  const of = (type: string) => asked.output.find((item: { type: string }) => item.type === type);
  return {
    response,
    conversation: conversation.id,
    item: items.data[0].id,
    approval: of("mcp_approval_request").id,
    call: of("function_call").call_id,
  };
}

/** A request that would be good, with a few things in it changed. */
function request(random: Random, ids: Ids, model: string): { method: string; path: string; body?: string } {
  const routes: [method: string, path: string, body?: Json][] = [
    ["POST", "/responses", { model, input: "Hello", metadata: { a: "b" }, stream: random() < 0.3 }],
    ["POST", "/responses", { model, input: messages(ids), tools: TOOLS, tool_choice: "auto", include: [] }],
    ["POST", "/responses", { model, input: "Hello", previous_response_id: ids.response }],
    ["POST", "/responses", { model, input: "Hello", conversation: { id: ids.conversation } }],
    ["POST", "/responses", {
      model,
      input: [{ type: "mcp_approval_response", approval_request_id: ids.approval, approve: "perhaps" }],
    }],
    ["POST", "/responses", {
      model,
      input: [{ type: "function_call_output", call_id: ids.call, output: [{ type: "input_image" }] }],
    }],
    [
      "GET",
      `/responses/${ids.response}?stream=${pick(random, ["true", "x", "false"])}&starting_after=${
        odd(random)
      }`,
    ],
    [
      "GET",
      `/responses/${ids.response}/input_items?limit=${odd(random)}&order=${odd(random)}&after=${odd(random)}`,
    ],
    ["POST", `/responses/${odd(random)}/cancel`, {}],
    ["DELETE", `/responses/${odd(random)}`],
    ["POST", "/conversations", { metadata: { a: "b" }, items: messages(ids) }],
    ["POST", `/conversations/${ids.conversation}`, { metadata: { topic: "x" } }],
    ["POST", `/conversations/${ids.conversation}/items`, { items: messages(ids) }],
    ["GET", `/conversations/${ids.conversation}/items?limit=${odd(random)}&after=${odd(random)}`],
    ["GET", `/conversations/${ids.conversation}/items/${odd(random)}`],
    ["DELETE", `/conversations/${ids.conversation}/items/${odd(random)}`],
    ["DELETE", `/conversations/${odd(random)}`],
    [pick(random, ["PUT", "PATCH", "GET"]), `/${odd(random)}/${odd(random)}`],
  ];
  const [method, path, body] = pick(random, routes);
  if (body === undefined) return { method, path };
  let changed = body;
  for (let changes = Math.floor(random() * 4); changes > 0; changes--) changed = change(random, changed);
  const text = JSON.stringify(changed);
  // Cut off, doubled or with a byte that does not belong there.
  if (random() < 0.1) return { method, path, body: text.slice(0, Math.floor(random() * text.length)) };
  return { method, path, body: random() < 0.05 ? text + pick(random, ["}", "\u0000", text]) : text };
}

const TOOLS: Json = [
  { type: "function", name: "look_up", description: "Looks.", parameters: { type: "object" }, strict: true },
  { type: "mcp", server_label: "timestep", server_url: "http://127.0.0.1:1/", require_approval: "always" },
];

function messages(ids: Ids): Json[] {
  return [
    { type: "message", role: "user", content: [{ type: "input_text", text: "Hello" }] },
    {
      type: "message",
      role: "user",
      content: [{ type: "input_image", image_url: "data:image/png;base64,AA==" }],
    },
    {
      type: "message",
      role: "user",
      content: [{ type: "input_file", file_id: "file_1", filename: "a.txt" }],
    },
    { role: "assistant", content: [{ type: "output_text", text: "Hi", annotations: [] }] },
    { type: "item_reference", id: ids.item },
    { type: "function_call", call_id: "c", name: "f", arguments: "{}" },
    { type: "function_call_output", call_id: "c", output: "done" },
    { type: "reasoning", id: "rs_1", summary: [{ type: "summary_text", text: "Well" }] },
    { role: "user", content: "Hello" },
  ];
}

/** Puts something odd in one place of a value, takes it out, or doubles it. */
function change(random: Random, value: Json): Json {
  if (Array.isArray(value) && value.length > 0 && random() < 0.85) {
    const index = Math.floor(random() * value.length);
    if (random() < 0.1) return [...value, ...value];
    return value.map((entry, at) => at === index ? change(random, entry) : entry);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value) && random() < 0.9) {
    const keys = Object.keys(value);
    const key = pick(random, [...keys, pick(random, KEYS)]);
    if (random() < 0.15) return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
    return { ...value, [key]: change(random, value[key] ?? null) };
  }
  return pick(random, ODD)(random);
}

const KEYS = [
  "id",
  "type",
  "role",
  "content",
  "model",
  "input",
  "constructor",
  "__proto__",
  "status",
  "unknown",
];

const ODD: ((random: Random) => Json)[] = [
  () => null,
  () => true,
  () => -1,
  () => 1e308,
  () => "",
  () => "\u0000",
  () => "\ud800",
  () => "x".repeat(5000),
  () => "'; drop table timestep.runs; --",
  () => [],
  () => ({}),
  () => [null],
  () => [[["x"]]],
  () => Array.from({ length: 100 }).reduce<Json>((inner) => ({ content: inner }), "deep"),
  () => "user",
  () => "input_text",
  () => "message",
  (random) => `resp_${String(random()).slice(2).padEnd(32, "0").slice(0, 32)}`,
];

function odd(random: Random): string {
  const text = pick(random, [
    "",
    "0",
    "-1",
    "1",
    "999999999999999999",
    "asc",
    "desc",
    "%00",
    "%ZZ",
    "..",
    "x'",
    "null",
  ]);
  return random() < 0.3
    ? `conv_${"0".repeat(32)}`
    : random() < 0.2
    ? `msg_${"0".repeat(32)}_99999999999999999999`
    : text;
}

function oddHeaders(random: Random): Record<string, string> {
  if (random() < 0.05) return { "idempotency-key": "x".repeat(pick(random, [1, 255, 256, 5000])) };
  if (random() < 0.05) return { "content-type": pick(random, ["text/plain", "multipart/form-data", ""]) };
  return random() < 0.05 ? { "x-stainless-retry-count": pick(random, ["1", "x", "-1"]) } : {};
}

function pick<T>(random: Random, values: readonly T[]): T {
  const value = values[Math.floor(random() * values.length)];
  if (value === undefined) throw new RangeError("There is nothing to pick from.");
  return value;
}

function generator(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    // mulberry32
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** How many rows there are of what requests write, and when the last changed. */
async function rows(server: TestServer): Promise<unknown> {
  const [row] = await server.database.query(
    `select (select count(*) from timestep.runs) as runs, (select count(*) from timestep.responses) as responses,
       (select count(*) from timestep.responses where deleted_at is not null) as deleted,
       (select count(*) from timestep.sessions) as sessions, (select max(updated_at) from timestep.sessions) as changed,
       (select count(*) from timestep.session_items) as items, (select count(*) from timestep.journal) as steps,
       (select count(*) from timestep.interruptions where status <> 'pending') as decided`,
  );
  return row;
}
