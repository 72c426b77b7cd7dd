import { assert, assertEquals, assertRejects } from "@std/assert";
import { Agent, getAllMcpTools, MCPServerStreamableHttp, RunContext, tool } from "@openai/agents";
import { z } from "zod";
import { ToolsUnavailableError } from "../../mod.ts";
import { testDatabases } from "../_databases.ts";
import { forgetAgents } from "../../src/durable/registry.ts";
import {
  approve,
  execute,
  FunctionModel,
  Killed,
  modelOfTurns,
  MortalDatabase,
  say,
  testOnEach,
  toolResults,
} from "./_durable.ts";
import { countingAgent } from "./_mcp_child.ts";
import { McpHttpServer } from "./_mcp_http_server.ts";

/** The client of MCP leaves timers behind. */
const LOOSE = { sanitizeOps: false, sanitizeResources: false };

/** A connection to an MCP server, for one test. */
async function connect({ url }: McpHttpServer) {
  const client = new MCPServerStreamableHttp({ name: "counter", url });
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() });
}

// A second process can't open a directory of PGlite's.
for (const target of testDatabases().filter(({ engine }) => engine === "postgres")) {
  const name = "executeRun() calls no tool of an MCP server over HTTP again when its process is killed";
  Deno.test(`${name} [${target.engine}]`, LOOSE, async () => {
    await using fresh = await target.create();
    const child = Promise.withResolvers<Deno.ChildProcess>();
    await using server = new McpHttpServer(async (what) => {
      if (what === "b" && server.calls.length === 2) (await child.promise).kill("SIGKILL");
    });
    child.resolve(
      new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-check", CHILD, fresh.connectionString, server.url],
      }).spawn(),
    );
    assertEquals((await (await child.promise).status).signal, "SIGKILL");
    await using client = await connect(server);
    const run = { runId: "r", agent: countingAgent(client), input: "Count." };
    assertEquals((await execute(fresh.database, run)).status, "completed");
    forgetAgents();
    assertEquals(server.calls, ["a", "b", "b"], "what was under way was called again");
    const rows = await fresh.database.query(
      "select output->>'text' as text from timestep.journal where kind = 'tool' order by key",
    );
    assertEquals(rows, [{ text: "counted a" }, { text: "counted b" }]);
  });
}

const CHILD = new URL("./_mcp_child.ts", import.meta.url).pathname;

testOnEach(
  "executeRun() leaves a run as it is while an MCP server can't tell its tools",
  async ({ database }) => {
    await using server = new McpHttpServer();
    await using client = await connect(server);
    const run = { runId: "r", agent: countingAgent(client), input: "Count." };
    const mortal = new MortalDatabase(database, { at: "tool:0.1:c1", when: "after" });
    await assertRejects(() => execute(mortal, run), Killed);
    server.isAway = true;
    const error = await assertRejects(() => execute(database, run), ToolsUnavailableError);
    assert(error.message.includes('agent "Counter"') && error.message.includes('"counter"'), error.message);
    server.isAway = false;
    assertEquals((await execute(database, run)).status, "completed");
    assertEquals(server.calls, ["a", "b"]);

    server.isAway = true;
    const failed = await execute(database, { ...run, runId: "new" });
    assertEquals([failed.status, failed.error?.name], ["failed", "SdkHttpError"], "there is nothing to lose");
  },
  LOOSE,
);

testOnEach("executeRun() names the tool of an MCP server that is gone", async ({ database }) => {
  await using server = new McpHttpServer();
  await using client = await connect(server);
  const run = { runId: "r", agent: countingAgent(client), input: "Count." };
  const mortal = new MortalDatabase(database, { at: "model:0.1", when: "after" });
  await assertRejects(() => execute(mortal, run), Killed);
  server.toolName = "tally";
  const { status, error } = await execute(database, run);
  assertEquals([status, error?.code, server.calls], ["failed", "run_diverged", []]);
  const difference =
    '"model:0.1" called function "count", and agent "Counter" has no tool or handoff of this name';
  assert(error?.message.includes(difference), error?.message);
}, LOOSE);

testOnEach("executeRun() asks a person about the tools of an MCP server", async ({ database }) => {
  await using server = new McpHttpServer();
  await using client = await connect(server);
  const make = async () => {
    const tools = await getAllMcpTools({
      mcpServers: [client],
      runContext: new RunContext(),
      agent: new Agent({ name: "Counter" }),
    });
    for (const found of tools) {
      if (found.type === "function") found.needsApproval = () => Promise.resolve(true);
    }
    return new Agent({ name: "Counter", model: modelOfTurns([[["count", "c1", { what: "a" }]]]), tools });
  };
  const run = { runId: "r", agent: await make(), input: "Count." };
  const paused = await execute(database, run);
  assertEquals(paused.interruptions.map(({ toolName }) => toolName), ["count"]);
  await approve(database, "r");
  forgetAgents();
  assertEquals((await execute(database, { ...run, agent: await make(), segment: 1 })).status, "completed");
  assertEquals(server.calls, ["a"]);

  forgetAgents();
  await execute(database, { ...run, agent: await make(), runId: "renamed" });
  await approve(database, "renamed");
  forgetAgents();
  server.toolName = "tally";
  const { status, error } = await execute(database, {
    runId: "renamed",
    agent: await make(),
    input: "Count.",
    segment: 1,
  });
  assertEquals([status, error?.code], ["failed", "run_state_graph_mismatch"]);
  assert(error?.message.includes('the agent "Counter" has no tool "count" here'), error?.message);
}, LOOSE);

testOnEach("executeRun() names what the code has lost since a run began", async ({ database }) => {
  const inner = (names: string[]) =>
    new Agent({
      name: "Inner",
      model: modelOfTurns([[["look", "c2"]]]),
      tools: names.map((name) =>
        tool({ name, description: "", parameters: z.object({}), execute: () => name })
      ),
    });
  const outer = (names: string[]) =>
    new Agent({
      name: "Outer",
      model: modelOfTurns([[["ask", "c1", { input: "Look." }]]]),
      tools: [inner(names).asTool({ toolName: "ask", toolDescription: "" })],
    });
  const mortal = new MortalDatabase(database, { at: "model:0.1:c1/1", when: "after" });
  await assertRejects(() => execute(mortal, { runId: "r", agent: outer(["look"]), input: "Go." }), Killed);
  forgetAgents();
  const { status, error } = await execute(database, { runId: "r", agent: outer(["see"]), input: "Go." });
  assertEquals([status, error?.code], ["failed", "run_diverged"]);
  assert(error?.message.includes('"model:0.1:c1/1" called function "look"'), error?.message);
  assert(error?.message.includes("first at Inner.tools[0].name"), error?.message);
});

testOnEach("executeRun() replays the call of a function that a model has invented", async ({ database }) => {
  const inner = new Agent({ name: "Inner", model: modelOfTurns([[["invented", "c2"]]]) });
  const model = new FunctionModel((request) => {
    const answer = toolResults(request).c1;
    if (answer !== undefined) return [say(String(answer))];
    return [{
      type: "function_call",
      callId: "c1",
      name: "ask",
      status: "completed",
      arguments: '{"input":"Go."}',
    }];
  });
  const agent = new Agent({
    name: "Outer",
    model,
    tools: [inner.asTool({ toolName: "ask", toolDescription: "" })],
  });
  const run = { runId: "r", agent, input: "Go." };
  const live = await execute(database, { ...run, runId: "live" });
  const mortal = new MortalDatabase(database, { at: "model:0.1:c1/1", when: "after" });
  await assertRejects(() => execute(mortal, run), Killed);
  const replayed = await execute(database, run);
  assertEquals([replayed.status, replayed.finalOutput], [live.status, live.finalOutput]);
});
