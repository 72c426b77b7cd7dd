import { Agent } from "@openai/agents";
import { assert, assertEquals } from "@std/assert";
import { configureDBOS, DatabaseSession, runAgentWorkflow, shutdownDBOS } from "../../mod.ts";
import { underlyingDatabase } from "../../src/database/_shared_database.ts";
import type { Database } from "../../src/database/database.ts";
import { serveAgents } from "../../src/http/mod.ts";
import { dispatchDatabase } from "../../src/workflows/_database.ts";
import { testDatabases } from "../_databases.ts";
import { modelOfTurns } from "../durable/_durable.ts";
import { makeScenarios } from "./_scenarios.ts";

for (const target of testDatabases()) {
  Deno.test(`what is asked of the database for runs and responses [${target.engine}]`, async (t) => {
    await using fresh = await target.create();
    configureDBOS({ connectionString: fresh.connectionString });
    try {
      const database = underlyingDatabase(await dispatchDatabase());
      const agent = new Agent({ name: `Brief on ${target.engine}`, model: modelOfTurns([]) });
      const scenarios = makeScenarios();
      const handler = serveAgents({
        agents: [agent, ...scenarios.map(({ agent }) => agent)],
        authenticate: () => Promise.resolve({ kind: "service" }),
      });
      const ask = async (path: string, body?: Record<string, unknown>) => {
        const request = body && { method: "POST", body: JSON.stringify(body) };
        const response = await handler(new Request(`http://localhost/v1/responses${path}`, request));
        const text = await response.text();
        assertEquals(response.status, 200, text);
        return { id: String(JSON.parse(text).id), text };
      };
      await t.step(
        "runAgentWorkflow() starts, claims and ends a run, and asks for nothing else",
        async () => {
          const statements = note(database);
          const workflowId = crypto.randomUUID();
          await runAgentWorkflow({ agent, inputItems: "Hi.", workflowId });
          assertEquals(statements(workflowId), ["start_run", "claim_run", "write_journal"]);
        },
      );
      await t.step("runAgentWorkflow() asks for nothing more with a new session", async () => {
        const statements = note(database);
        const workflowId = crypto.randomUUID();
        const session = new DatabaseSession({ database });
        await runAgentWorkflow({ agent, inputItems: "Hi.", workflowId, session });
        assertEquals(statements(workflowId), ["start_run", "claim_run", "write_journal"]);
        assertEquals((await session.getItems()).length, 2);
      });
      await t.step("POST /v1/responses reads nothing of what this process has written", async () => {
        const statements = note(database);
        const { id } = await ask("", { model: agent.name, input: "Hi." });
        assertEquals(statements(id), ["start_response", "claim_run", "write_journal"]);
      });
      for (const { name, agent, isTold } of scenarios) {
        await t.step(`POST /v1/responses answers as GET does afterwards: ${name}`, async () => {
          const statements = note(database);
          const { id, text } = await ask("", { model: agent.name, input: "Hi." });
          const asked = statements(id);
          assert(!(isTold && asked.includes("read_news")), "It was read after its end.");
          assertEquals((await ask(`/${id}`)).text, text);
        });
      }
    } finally {
      await shutdownDBOS();
      configureDBOS({});
    }
  });
}

/**
 * Notes the statements that are about a run from now on, until it is asked for them: which of our functions they call.
 * How often is left out, and so are the looks from time to time whether the run is still there, and has ended: a slow
 * machine takes more.
 */
function note(database: Database): (runId: string) => string[] {
  const noted: { name: string; text: string; parameters: string; begun: number; over: number }[] = [];
  const { query } = database;
  let time = 0;
  database.query = async (text, parameters = []) => {
    const name = /timestep\.(\w+)/.exec(text)?.[1] ?? text;
    const statement = { name, text, parameters: JSON.stringify(parameters), begun: time++, over: Infinity };
    noted.push(statement);
    const rows = await query.call(database, text, parameters);
    statement.over = time++;
    return rows;
  };
  return (runId) => {
    database.query = query;
    const ours = noted.filter(({ text, parameters }) => parameters.includes(runId) && !LOOKS.test(text));
    const end = ours.findLast(({ name }) => name === "write_journal");
    const asked = ours.filter(({ name, begun }) => name !== "read_news" || begun > (end?.over ?? 0));
    return [...new Set(asked.map(({ name }) => name))];
  };
}

const LOOKS = /^select (status|epoch|coalesce)\b/;
