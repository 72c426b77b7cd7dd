import { Agent } from "@openai/agents";
import { assertEquals } from "@std/assert";
import { configureDBOS, DatabaseSession, runAgentWorkflow, shutdownDBOS } from "../../mod.ts";
import { underlyingDatabase } from "../../src/database/_shared_database.ts";
import type { Database } from "../../src/database/database.ts";
import { serveAgents } from "../../src/http/mod.ts";
import { dispatchDatabase } from "../../src/workflows/_database.ts";
import { testDatabases } from "../_databases.ts";
import { modelOfTurns } from "../durable/_durable.ts";

for (const target of testDatabases()) {
  Deno.test(`what is asked of the database for runs and responses [${target.engine}]`, async (t) => {
    await using fresh = await target.create();
    configureDBOS({ connectionString: fresh.connectionString });
    try {
      const database = underlyingDatabase(await dispatchDatabase());
      const agent = new Agent({ name: `Brief on ${target.engine}`, model: modelOfTurns([]) });
      const handler = serveAgents({
        agents: [agent],
        authenticate: () => Promise.resolve({ kind: "service" }),
      });
      const post = async (body: Record<string, unknown>) => {
        const request = { method: "POST", body: JSON.stringify({ input: "Hi.", ...body }) };
        const response = await handler(new Request("http://localhost/v1/responses", request));
        const { id, status } = await response.json();
        assertEquals([response.status, status], [200, "completed"]);
        return String(id);
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
      await t.step("POST /v1/responses reads what it answers beside", async () => {
        const statements = note(database);
        const id = await post({});
        assertEquals(statements(id), ["start_response", "claim_run", "write_journal", "read_news"]);
      });
    } finally {
      await shutdownDBOS();
      configureDBOS({});
    }
  });
}

/**
 * Notes the statements that are about a run from now on, until it is asked for them: which of our functions they call.
 * How often is left out, and so are the looks from time to time whether the run is still there: a slow machine takes more.
 */
function note(database: Database): (runId: string) => string[] {
  const noted: [text: string, parameters: string][] = [];
  const { query } = database;
  database.query = (text, parameters = []) => {
    noted.push([text, JSON.stringify(parameters)]);
    return query.call(database, text, parameters);
  };
  return (runId) => {
    database.query = query;
    const ours = noted.filter(([, parameters]) => parameters.includes(runId)).map(([text]) => text);
    return [
      ...new Set(
        ours.filter((text) => !LOOKS.test(text)).map((text) => /timestep\.(\w+)/.exec(text)?.[1] ?? text),
      ),
    ];
  };
}

const LOOKS = /^select (status|epoch|coalesce)\b/;
