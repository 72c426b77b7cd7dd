import { assert, assertEquals } from "@std/assert";
import { Agent, tool } from "@openai/agents";
import { z } from "zod";
import type { Database } from "../../mod.ts";
import type { Parameter, Queryable } from "../../src/database/database.ts";
import { DatabaseError } from "../../src/database/database_error.ts";
import { execute, modelOfTurns, testOnEach } from "./_durable.ts";

/** A database whose connection breaks once: at a statement, before it takes effect or after. */
function breaking(database: Database, at: number, when: "before" | "after") {
  let statements = 0;
  const query = async (queryable: Queryable, text: string, parameters?: readonly Parameter[]) => {
    const breaks = ++statements === at;
    const lost = new DatabaseError("connection_lost", "The connection broke.");
    if (breaks && when === "before") throw lost;
    const rows = await queryable.query(text, parameters);
    if (breaks) throw lost;
    return rows;
  };
  const broken: Database = {
    engine: database.engine,
    query: (text, parameters) => query(database, text, parameters),
    script: (sql) => database.script(sql),
    transaction: (body) =>
      database.transaction((inner) =>
        body({
          script: (sql) => inner.script(sql),
          query: (text, parameters) => query(inner, text, parameters),
        })
      ),
    close: () => Promise.resolve(),
  };
  return { broken, statements: () => statements };
}

testOnEach("executeRun() does not fail a run for a connection that broke", async ({ database }) => {
  const count = tool({ name: "count", description: "", parameters: z.object({}), execute: () => 1 });
  const pay = tool({
    name: "pay",
    description: "",
    parameters: z.object({}),
    needsApproval: true,
    execute: () => 2,
  });
  const agent = new Agent({
    name: "A",
    model: modelOfTurns([[["count", "c1"]], [["pay", "c2"]]]),
    tools: [count, pay],
  });
  for (let at = 1;; at++) {
    let reached = 0;
    for (const when of ["before", "after"] as const) {
      const run = { runId: `${when}-${at}`, agent, input: "Go.", sessionId: `of ${when}-${at}` };
      const { broken, statements } = breaking(database, at, when);
      await execute(broken, run).catch((error) => assert(error instanceof DatabaseError, String(error)));
      const outcome = await execute(database, run);
      assertEquals(outcome.status, "interrupted", `${when} statement ${at}: ${outcome.error?.message}`);
      assertEquals(outcome.interruptions.length, 1);
      reached = Math.max(reached, statements());
    }
    if (reached < at) break;
  }
});
