import { assert, assertEquals } from "@std/assert";
import { Agent, MCPServerSSE, MCPServerStreamableHttp, tool } from "@openai/agents";
import { z } from "zod";
import { agentDefinition } from "../../src/agents/agent_definition.ts";
import { withoutSecrets } from "../../src/durable/without_secrets.ts";
import { execute, modelOfTurns, testOnEach } from "./_durable.ts";

/** Messages with the word SECRET in what must not be shown. */
const MESSAGES = [
  "Incorrect API key provided: sk-proj-SECRET_abc-123. See https://example.com.",
  "Incorrect API key provided: gsk_SECRETabcdefghijkl.",
  "401 Incorrect API key provided: SECRETplain0123456789. See https://example.com.",
  "Key AIzaSySECRETabcdefghijklmnop is not valid.",
  "Token eyJhbGciOi.eyJzdWIiOi.SECRETsignature has expired.",
  "hf_SECRETabcdefgh, ghp_SECRETabcdefgh1234 and AKIASECRET1234567890",
  "failed: Authorization: Bearer SECRET123456789",
  "authorization=SECRET",
  'Refused: {"apiKey":"SECRET12345","user":"ada"}',
  "x-api-key: SECRET12345",
  "Cannot connect to postgres://ada:SECRET@example.com/db",
  "GET https://example.com/v1?key=SECRET123&page=1 failed",
  "password=SECRET",
];

const HARMLESS = [
  "Unexpected token } in JSON at position 3",
  "The maximum is 4096 tokens: you asked for 5000.",
  "duplicate key value violates unique constraint",
  "Out of paper: see https://example.com:8080/a?b=c",
];

Deno.test("withoutSecrets() leaves out what looks like a secret, and nothing else", () => {
  for (const message of MESSAGES) {
    const shown = withoutSecrets(message);
    assert(!shown.includes("SECRET") && shown.includes("[redacted]"), shown);
    assertEquals(withoutSecrets(shown), shown, "again it changes nothing");
  }
  assertEquals(HARMLESS.map(withoutSecrets), HARMLESS);
  assertEquals(withoutSecrets(MESSAGES[8] ?? ""), 'Refused: {"apiKey":"[redacted]","user":"ada"}');
});

Deno.test("withoutSecrets() reads a long message once when it holds what a secret begins with", () => {
  // As callers send it, and providers quote it: looked through from each character, this takes hours.
  const long = ["word".repeat(250_000), `password${" ".repeat(1_000_000)}`, "a://b:".repeat(20_000)];
  assertEquals(long.map(withoutSecrets), long);
});

Deno.test("agentDefinition() holds no address of an MCP server, of which the SDK makes a name", () => {
  const url = "https://ada:SECRET@tools.example:8443/SECRET/mcp?k=SECRET";
  const mcpServers = [
    new MCPServerStreamableHttp({ url }),
    new MCPServerSSE({ url }),
    new MCPServerSSE({ url: "SECRET" }),
    new MCPServerSSE({ url, name: "tools" }),
  ];
  const { definition } = agentDefinition(new Agent({ name: "Armed", mcpServers }));
  const names = ["streamable-http: tools.example:8443", "sse: tools.example:8443", "sse: ", "tools"];
  assertEquals(Object(definition["Armed"]).mcpServers, names);
});

testOnEach("executeRun() records no secrets that tools throw", async ({ database }) => {
  const tools = MESSAGES.map((message, index) =>
    tool({
      name: `fail${index}`,
      description: "",
      parameters: z.object({}),
      errorFunction: null,
      execute: () => {
        throw new Error(message);
      },
    })
  );
  for (const { name } of tools) {
    const agent = new Agent({ name: `Agent of ${name}`, model: modelOfTurns([[[name, "c1"]]]), tools });
    assertEquals((await execute(database, { runId: name, agent, input: "Go." })).status, "failed");
  }
  const rows = await database.query(
    "select output::text as text from timestep.journal union all select error::text from timestep.runs",
  );
  assertEquals(rows.length, 3 * tools.length);
  assertEquals(rows.filter(({ text }) => String(text).includes("SECRET")), []);
});
