import { assert, assertEquals } from "@std/assert";
import { Agent, MCPServerStdio } from "@openai/agents";
import { execute, Killed, modelOfTurns, MortalDatabase, testOnEach } from "./_durable.ts";

testOnEach(
  "executeRun() records the calls of a local MCP server, in a process of its own",
  async ({ database }) => {
    const calls = await Deno.makeTempFile({ prefix: "timestep-mcp-" });
    const server = new MCPServerStdio({
      name: "counter",
      command: Deno.execPath(),
      args: ["run", "--allow-all", new URL("./_mcp_server.ts", import.meta.url).pathname, calls],
    });
    try {
      await server.connect();
      const agent = new Agent({
        name: "Counter",
        model: modelOfTurns([[["count", "c1", { what: "a" }], ["count", "c2", { what: "b" }]]]),
        mcpServers: [server],
      });
      const run = { runId: "r", agent, input: "Count." };
      const mortal = new MortalDatabase(database, { at: "tool:0.1:c2", when: "after" });
      await execute(mortal, run).catch((error) => assert(error instanceof Killed));
      const recorded = await database.query("select from timestep.journal where kind = 'tool'");
      assertEquals((await execute(database, run)).status, "completed");
      const made = (await Deno.readTextFile(calls)).trim().split("\n");
      assertEquals(new Set(made), new Set(["a", "b"]));
      assertEquals(made.length, 4 - recorded.length, "what was recorded was not called again");
      const [row] = await database.query(
        "select output::text as output from timestep.journal where key = 'tool:0.1:c1'",
      );
      assert(String(row?.["output"]).includes("counted a"));
    } finally {
      await server.close();
      await Deno.remove(calls);
    }
  },
  // The client of MCP leaves timers behind.
  { sanitizeOps: false, sanitizeResources: false },
);
