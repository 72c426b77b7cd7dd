/**
 * A process that executes run `r` of an agent with an MCP server, until it is killed.
 * Arguments: the connection string of the database, and the URL of the server.
 *
 * @module
 */
import { Agent, type MCPServer, MCPServerStreamableHttp } from "@openai/agents";
import { openDatabase } from "../../mod.ts";
import { execute, modelOfTurns } from "./_durable.ts";

/** An agent that lets its server count `a`, and then `b`. */
export function countingAgent(server: MCPServer): Agent {
  const model = modelOfTurns([[["count", "c1", { what: "a" }]], [["count", "c2", { what: "b" }]]]);
  return new Agent({ name: "Counter", model, mcpServers: [server] });
}

if (import.meta.main) {
  const [connectionString = "", url = ""] = Deno.args;
  const server = new MCPServerStreamableHttp({ name: "counter", url });
  await server.connect();
  const database = await openDatabase({ connectionString });
  await execute(database, { runId: "r", agent: countingAgent(server), input: "Count." });
}
