import { assertEquals, assertRejects } from "@std/assert";
import { assistantMessage } from "@openai/agents-core/testing";
import {
  consumeResult,
  type Database,
  runAgent,
  RunStateConflictError,
  RunStateStore,
} from "@timestep-ai/timestep";
import { testDatabases } from "../_databases.ts";
import { approveAll, pausedState, weatherAgent } from "./_runs.ts";

/** A database that notes a run's end only when it is let. */
function slowToSettle(database: Database): { database: Database; proceed(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    proceed: resolve,
    database: {
      engine: database.engine,
      async query(text, parameters) {
        if (text.includes("settle_run_state")) await promise;
        return await database.query(text, parameters);
      },
      script: (sql) => database.script(sql),
      transaction: (body) => database.transaction(body),
      close: () => database.close(),
    },
  };
}

/** Time enough for whoever does not wait. */
async function anInstant(database: Database): Promise<void> {
  for (let statement = 0; statement < 100; statement++) await database.query("select");
}

for (const { engine, create } of testDatabases()) {
  Deno.test(`runAgent() gives the answer when the end of the run is noted [${engine}]`, async () => {
    await using fresh = await create();
    const { agent } = weatherAgent([assistantMessage("Sunny.")]);
    const { database, proceed } = slowToSettle(fresh.database);
    const store = new RunStateStore({ agent, database });
    await store.save(await pausedState("Oakland"));
    let hasAnswered = false;
    const answer = runAgent(agent, approveAll(await store.load())).finally(() => hasAnswered = true);
    const claimed = "select from timestep.run_states where claimed_by is not null";
    while ((await fresh.database.query(claimed)).length === 0) { /* It has not begun. */ }
    await anInstant(fresh.database);
    assertEquals(hasAnswered, false);
    proceed();
    assertEquals((await answer).finalOutput, "Sunny.");
  });

  for (const what of ["save", "load", "clear"] as const) {
    Deno.test(`${what}() waits until the end of a streamed run is noted [${engine}]`, async () => {
      await using fresh = await create();
      const { agent } = weatherAgent([assistantMessage("Sunny.")]);
      const { database, proceed } = slowToSettle(fresh.database);
      const store = new RunStateStore({ agent, database });
      await store.save(await pausedState("Oakland"));
      const result = await runAgent(agent, approveAll(await store.load()), undefined, true, null);
      for await (const _event of result) { /* To its end. */ }
      await result.completed;

      const next = await pausedState("Berkeley");
      const outcome = {
        save: () => store.save(next).then(() => "saved", String),
        load: () => store.load().then(String, (error) => error.name),
        clear: () => store.clear().then(() => "cleared", String),
      }[what]();
      await anInstant(fresh.database);
      proceed();
      assertEquals(await outcome, { save: "saved", load: "RunStateNotFoundError", clear: "cleared" }[what]);
      const runs = await fresh.database.query("select status from timestep.runs order by created_at limit 1");
      assertEquals(runs, [{ status: "completed" }]);
    });
  }

  Deno.test(`runAgent() goes on with a resumed run whose reader has left before its end [${engine}]`, async () => {
    await using fresh = await create();
    const { database } = fresh;
    const { agent } = weatherAgent([assistantMessage("Sunny.")]);
    const store = new RunStateStore({ agent, database });
    await store.save(await pausedState("Oakland"));
    const state = approveAll(await store.load());
    const left = await runAgent(agent, state, undefined, true, null);
    for await (const _event of left) break;
    await consumeResult(left);
    await assertRejects(() => store.load(), RunStateConflictError, "it is being resumed");

    assertEquals((await runAgent(agent, state)).finalOutput, "Sunny.");
    const runs = await database.query("select status, final_output from timestep.runs");
    assertEquals(runs, [{ status: "completed", final_output: "Sunny." }]);
  });
}
