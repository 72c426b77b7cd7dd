import { assert, assertEquals } from "@std/assert";
import { claimsOf, readAs } from "../../src/http/_access.ts";
import { CRON_KEY, serverTest, SERVICE_KEY, type TestServer } from "./_server.ts";

interface Target {
  response: string;
  conversation: string;
  item: string;
}

/** What an agent was told, and said. */
interface Talk extends Target {
  outputItem: string;
}

/** Every route about one object; those that change it come last. */
const ROUTES: [method: string, path: (target: Target) => string, body?: unknown][] = [
  ["GET", ({ response }) => `/responses/${response}`],
  ["GET", ({ response }) => `/responses/${response}?stream=true`],
  ["GET", ({ response }) => `/responses/${response}/input_items`],
  ["POST", ({ response }) => `/responses/${response}/cancel`],
  ["GET", ({ conversation }) => `/conversations/${conversation}`],
  ["POST", ({ conversation }) => `/conversations/${conversation}`, { metadata: { a: "b" } }],
  ["GET", ({ conversation }) => `/conversations/${conversation}/items`],
  ["POST", ({ conversation }) => `/conversations/${conversation}/items`, {
    items: [{ role: "user", content: "x" }],
  }],
  ["GET", ({ conversation, item }) => `/conversations/${conversation}/items/${item}`],
  ["DELETE", ({ conversation, item }) => `/conversations/${conversation}/items/${item}`],
  ["DELETE", ({ conversation }) => `/conversations/${conversation}`],
  ["DELETE", ({ response }) => `/responses/${response}`],
];

const PLAIN_ROUTES: [method: string, path: string, body?: unknown][] = [
  ["GET", "/models"],
  ["GET", "/openapi.json"],
  ["POST", "/conversations", {}],
  ["POST", "/responses", { input: "Hello" }],
];

serverTest("each route gives each caller what is the caller's own", async (server, test) => {
  const { assistant, clerk } = server.world;
  const ada = await server.token("ada");
  const owned = async (key = ada) => await makeTarget(server, key, assistant.name);

  await test.step("nobody without a good credential gets anywhere", async () => {
    const target = await owned();
    const exp = Math.floor(Date.now() / 1000);
    const credentials: Record<string, string>[] = [
      {},
      { authorization: "Bearer nonsense" },
      { authorization: "Bearer tsk_unknown" },
      { apikey: "sb_publishable_x" },
      { authorization: `Bearer ${await server.token("ada", { expiresAt: exp - 3600 })}` },
      { authorization: `Bearer ${await server.token("ada", { issuer: "https://evil" })}` },
      { authorization: `Bearer ${await server.token("ada", { audience: "others" })}` },
      { authorization: `Bearer ${await server.token("ada", { foreign: true })}` },
      { authorization: `Bearer ${unsigned("ada")}`, apikey: SERVICE_KEY },
    ];
    for (const headers of credentials) {
      for (const [method, path, body] of PLAIN_ROUTES) {
        assertEquals(await statusOf(server, method, path, headers, body), 401, `${method} ${path}`);
      }
      for (const [method, path, body] of ROUTES) {
        assertEquals(
          await statusOf(server, method, path(target), headers, body),
          401,
          `${method} ${path(target)}`,
        );
      }
    }
  });

  await test.step("the scheduler's key does nothing but wake workers", async () => {
    const target = await owned();
    for (const [method, path, body] of ROUTES) {
      assertEquals(await statusOf(server, method, path(target), { apikey: CRON_KEY }, body), 403);
    }
  });

  await test.step("what is another owner's is not there", async () => {
    const target = await owned();
    const ofNobody = {
      response: zeros("resp"),
      conversation: zeros("conv"),
      item: `msg_${"0".repeat(32)}_0`,
    };
    for (const key of [await server.token("eve"), await server.apiKey("eve")]) {
      const headers = { authorization: `Bearer ${key}` };
      for (const [method, path, body] of ROUTES) {
        assertEquals(
          await statusOf(server, method, path(target), headers, body),
          404,
          `${method} ${path(target)}`,
        );
        assertEquals(await statusOf(server, method, path(ofNobody), headers, body), 404);
      }
      for (
        const parent of [{ previous_response_id: target.response }, { conversation: target.conversation }]
      ) {
        const body = { model: assistant.name, input: "Hello", ...parent };
        assertEquals(await statusOf(server, "POST", "/responses", headers, body), 404);
      }
      // Nor can an answer be put after it.
      const { output } = await server.client(key).responses.create({
        model: assistant.name,
        input: "pay eve",
      });
      const input = [{
        type: "mcp_approval_response",
        "approval_request_id": output.at(-1)?.id,
        approve: false,
      }];
      const answer = { model: assistant.name, input, "previous_response_id": target.response };
      assertEquals(await statusOf(server, "POST", "/responses", headers, answer), 404);
    }
    for (const [method, path, body] of ROUTES.slice(0, 3)) {
      assertEquals(
        await statusOf(server, method, path(target), { authorization: `Bearer ${ada}` }, body),
        200,
      );
    }
  });

  await test.step("the owner, the owner's keys and the service get to everything", async () => {
    for (
      const key of [
        ada,
        await server.apiKey("ada"),
        await server.apiKey("ada", [assistant.name]),
        SERVICE_KEY,
      ]
    ) {
      const target = await owned();
      for (const [method, path, body] of ROUTES) {
        const status = await statusOf(server, method, path(target), { authorization: `Bearer ${key}` }, body);
        assertEquals(status, 200, `${method} ${path(target)}`);
      }
    }
  });

  await test.step("a key is good for the agents that it names", async () => {
    const headers = { authorization: `Bearer ${await server.apiKey("ada", [clerk.name])}` };
    const models = await (await server.send("GET", "/models", undefined, headers)).json();
    assertEquals(models.data.map(({ id }: { id: string }) => id), [clerk.name]);
    const target = await owned();
    const talk = await makeTalk(server, ada, assistant.name);
    for (const [method, path, body] of ROUTES) {
      const status = await statusOf(server, method, path(talk), headers, body);
      assertEquals(status, 404, `${method} ${path(talk)}`);
    }
    const { response, conversation, outputItem: id } = talk;
    const input = [{ type: "item_reference", id }];
    for (
      const body of [
        { model: assistant.name, input: "Hello" },
        { model: clerk.name, input: "Hello", "previous_response_id": response },
        { model: clerk.name, input: "Hello", conversation },
        { model: clerk.name, input },
        { model: clerk.name, input: [{ type: "item_reference", id: talk.item }] },
      ]
    ) assertEquals(await statusOf(server, "POST", "/responses", headers, body), 404, JSON.stringify(body));
    assertEquals(await statusOf(server, "POST", "/conversations", headers, { items: input }), 404);
    // What no agent was told yet belongs to none.
    assertEquals(await statusOf(server, "GET", `/conversations/${target.conversation}/items`, headers), 200);
    const own = await makeTalk(server, headers.authorization.slice("Bearer ".length), clerk.name);
    for (const [method, path, body] of ROUTES) {
      const status = await statusOf(server, method, path(own), headers, body);
      assertEquals(status, 200, `${method} ${path(own)}`);
    }
  });

  await test.step("a key does not see on in a conversation that another agent was told", async () => {
    const key = await server.apiKey("ada", [clerk.name]);
    const { conversation, response } = await makeTalk(server, key, clerk.name);
    const headers = { authorization: `Bearer ${key}` };
    const path = `/conversations/${conversation}/items`;
    assertEquals(await statusOf(server, "GET", path, headers), 200);
    await server.client(ada).responses.create({ model: assistant.name, input: "Hello", conversation });
    assertEquals(await statusOf(server, "GET", path, headers), 404);
    const more = { model: clerk.name, input: "Hello", "previous_response_id": response };
    assertEquals(await statusOf(server, "POST", "/responses", headers, more), 404);
    // Nor when the run was removed, or its history was copied.
    await server.database.query("delete from timestep.runs where agent_name = $1", [assistant.name]);
    assertEquals(await statusOf(server, "GET", path, headers), 404);
  });

  await test.step("one owner's keys do not share what they answered, but their idempotency keys", async () => {
    const body = { model: clerk.name, input: "Hello" };
    const key = { authorization: `Bearer ${await server.apiKey("ada", [clerk.name])}` };
    const other = { authorization: `Bearer ${await server.apiKey("ada", [assistant.name])}` };
    const same = { "idempotency-key": "once" };
    assertEquals(await statusOf(server, "POST", "/responses", { ...key, ...same }, body), 200);
    const others = { ...body, model: assistant.name };
    assertEquals(await statusOf(server, "POST", "/responses", { ...other, ...same }, others), 422);
  });

  await test.step("a revoked key is refused", async () => {
    const headers = { authorization: `Bearer ${await server.apiKey("rob")}` };
    assertEquals(await statusOf(server, "GET", "/conversations/x", headers), 404);
    await server.database.query("update timestep.api_keys set revoked_at = now() where owner_id = 'rob'");
    assertEquals(await statusOf(server, "GET", "/conversations/x", headers), 401);
  });
});

serverTest("each table gives each role what is the caller's own", async (server) => {
  await makeTarget(server, await server.token("ada"), server.world.assistant.name);
  const tables = (await server.database.query(
    `select c.relname as name, c.relrowsecurity as secured from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'timestep' and c.relkind = 'r' order by 1`,
  )).map(({ name, secured }) => ({ name: String(name), secured }));
  assert(tables.length > 10);
  const readable = ["interruptions", "responses", "run_events", "runs", "session_items", "sessions", "usage"];
  for (const { name, secured } of tables) {
    assertEquals(secured, true, `row level security of ${name}`);
    const all = await count(server, name, "service_role", null).catch(() => null);
    assertEquals(await count(server, name, "anon", null).catch(() => "refused"), "refused", name);
    if (!readable.includes(name)) {
      assertEquals(await count(server, name, "authenticated", "ada").catch(() => "refused"), "refused", name);
      continue;
    }
    assertEquals(await count(server, name, "authenticated", "ada"), all, name);
    assertEquals(await count(server, name, "authenticated", "eve"), 0, name);
    assertEquals(await count(server, name, "authenticated", null), 0, name);
    await server.database.transaction(async (transaction) => {
      await actAs(transaction, "authenticated", "ada");
      await transaction.query(`delete from timestep.${name}`);
    }).then(() => assert(false, `${name} can be changed`), () => {});
  }
});

serverTest("no role of a caller's gets around the tables", async (server) => {
  const views = await server.database.query(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'timestep' and c.relkind in ('v', 'm')`,
  );
  assert(views.length >= 3);
  // Nor where somebody has let it look into all there is.
  await server.client(await server.token("ada")).responses.create({
    model: server.world.assistant.name,
    input: "Hello",
  });
  await server.database.transaction(async (transaction) => {
    await transaction.query("grant select on all tables in schema timestep to authenticated");
    for (const sub of ["ada", "eve"]) {
      await actAs(transaction, "authenticated", sub);
      const [row] = await transaction.query("select count(*)::int as count from timestep.run_costs");
      assertEquals(row, { count: sub === "ada" ? 1 : 0 });
      await transaction.query("select set_config('role', 'none', true)");
    }
    throw new Error("Nothing of this is to stay.");
  }).catch(({ message }) => assertEquals(message, "Nothing of this is to stay."));
  for (const role of ["anon", "authenticated"]) {
    for (const { name } of views) {
      assertEquals(await count(server, String(name), role, "ada").catch(() => "refused"), "refused");
    }
    const functions = await server.database.query(
      `select p.proname as name from pg_proc p join pg_namespace n on n.oid = p.pronamespace
       where n.nspname = 'timestep' and has_function_privilege($1, p.oid, 'execute') order by 1`,
      [role],
    );
    assertEquals(functions, [{ name: "caller_agents" }, { name: "caller_id" }]);
  }
  const writable = await server.database.query(
    `select table_name, grantee, privilege_type from information_schema.role_table_grants
     where table_schema = 'timestep' and grantee in ('anon', 'authenticated') and privilege_type <> 'SELECT'`,
  );
  assertEquals(writable, []);
});

serverTest("row level security refuses what a query forgets to ask", async (server) => {
  const agent = server.world.assistant.name;
  const target = await makeTalk(server, await server.token("ada"), agent);
  const { database } = server;
  const claims = (sub: string) => claimsOf({ kind: "api_key", ownerId: sub, agents: null });
  const keyFor = (agents: string[]) => claimsOf({ kind: "api_key", ownerId: "ada", agents });
  // Each with a foreign id, and without a condition about the owner: nothing but the policies is in the way.
  const lookups: [statement: string, id: string][] = [
    ["select response_id as found from timestep.find_response($1, $2)", target.response],
    ["select timestep.read_segment($1, $2, 0)::text as found", target.response],
    ["select session_id as found from timestep.lock_session($1, $2)", target.conversation],
  ];
  for (const [statement, id] of lookups) {
    const found = async (caller: string | null) => {
      const rows = await database.query(statement, [caller, id]);
      return rows.filter((row) => row["found"] !== null).length;
    };
    const callers = [claims("eve"), claims("ada"), null, keyFor(["Another"]), keyFor([]), keyFor([agent])];
    assertEquals(await Promise.all(callers.map(found)), [0, 1, 1, 0, 0, 1], statement);
  }
  const retried = "select response_id from timestep.find_response($1, null, null, r.request_hash)";
  const byHash = async (caller: string) =>
    (await database.query(
      `select f.* from timestep.responses r, lateral (${retried}) f where r.response_id = $2`,
      [claims(caller), target.response],
    )).length;
  assertEquals([await byHash("eve"), await byHash("ada")], [0, 1]);
  for (const table of ["runs", "responses", "run_events", "usage", "sessions", "session_items"]) {
    const rowsFor = (ownerId: string, agents: string[] | null) =>
      readAs(
        database,
        { kind: "api_key", ownerId, agents },
        (queryable) => queryable.query(`select * from timestep.${table}`),
      );
    assertEquals((await rowsFor("eve", null)).length, 0, table);
    assertEquals((await rowsFor("ada", ["Another"])).length, 0, table);
    const all = await rowsFor("ada", null);
    assert(all.length > 0);
    assertEquals(await rowsFor("ada", [agent, "Another"]), all, table);
  }
  // The role ends with what it was taken for.
  const [row] = await database.query(
    "select current_user = session_user as same, count(*)::int as count from timestep.runs",
  );
  assertEquals(row, { same: true, count: 1 });
});

type Queryable = Pick<TestServer["database"], "query">;

async function actAs(queryable: Queryable, role: string, userId: string | null): Promise<void> {
  const claims = userId === null ? "" : JSON.stringify({ sub: userId, role });
  await queryable.query(
    "select set_config('request.jwt.claims', $1, true), set_config('role', $2, true)",
    [claims, role],
  );
}

async function count(
  server: TestServer,
  table: string,
  role: string,
  userId: string | null,
): Promise<number> {
  return await server.database.transaction(async (transaction) => {
    await actAs(transaction, role, userId);
    const [row] = await transaction.query(`select count(*)::int as count from timestep.${table}`);
    return Number(row?.["count"]);
  });
}

async function makeTarget(server: TestServer, key: string, model: string): Promise<Target> {
  const client = server.client(key);
  const conversation = await client.conversations.create({ items: [{ role: "user", content: "Hello" }] });
  const { data: [item] } = await client.conversations.items.list(conversation.id);
  const response = await client.responses.create({ model, input: "Hello" });
  return { response: response.id, conversation: conversation.id, item: item?.id ?? "" };
}

/** A conversation, an item of it, and a response in it. */
async function makeTalk(server: TestServer, key: string, model: string): Promise<Talk> {
  const client = server.client(key);
  const conversation = await client.conversations.create({ items: [{ role: "user", content: "Hello" }] });
  const { data: [item] } = await client.conversations.items.list(conversation.id);
  const stream = client.responses.stream({ model, input: "Hello", conversation: conversation.id });
  const { id, output } = await stream.finalResponse();
  return {
    response: id,
    conversation: conversation.id,
    item: item?.id ?? "",
    outputItem: output[0]?.id ?? "",
  };
}

async function statusOf(
  server: TestServer,
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: unknown,
): Promise<number> {
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: { "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (response.status >= 400) assert(JSON.parse(text).error.message, text);
  assert(response.headers.get("x-request-id")?.startsWith("req_"));
  return response.status;
}

function zeros(kind: string): string {
  return `${kind}_${"0".repeat(32)}`;
}

function unsigned(sub: string): string {
  const part = (value: unknown) => btoa(JSON.stringify(value)).replaceAll("=", "");
  return `${part({ alg: "none" })}.${part({ sub, aud: "authenticated", exp: 9999999999 })}.`;
}
