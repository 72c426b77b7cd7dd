import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Database, purge, type PurgeOptions } from "@timestep-ai/timestep";
import { testDatabases } from "../_databases.ts";

const day = 24 * 60 * 60 * 1000;
const finished = ["completed", "blocked", "failed", "cancelled"];
const live = ["queued", "running", "interrupted", "unknown_outcome"];

/** Adds a run with a row of each kind. */
async function addRun(database: Database, runId: string, status: string, days: number): Promise<void> {
  const at = new Date(Date.now() - days * day);
  await database.transaction(async (transaction) => {
    await transaction.query(
      `insert into timestep.runs (run_id, agent_name, session_id, status, created_at, updated_at, finished_at)
      values ($1, 'Agent', 's', $2, $3, $3, $4)`,
      [runId, status, at, finished.includes(status) ? at : null],
    );
    await transaction.query(
      `insert into timestep.run_states (run_id, version, language, sdk_name, sdk_version, schema_version,
        agent_graph, guardrails_settled, state) values ($1, 1, 'typescript', 'sdk', '1', '1', '{}', true, '{}')`,
      [runId],
    );
    await transaction.query(
      `insert into timestep.usage (run_id, model, requests, input_tokens, output_tokens, total_tokens)
      values ($1, 'm', 1, 1, 1, 2)`,
      [runId],
    );
  });
}

async function runIds(database: Database): Promise<unknown[]> {
  const rows = await database.query("select run_id from timestep.runs order by run_id");
  return rows.map((row) => row["run_id"]);
}

for (const target of testDatabases()) {
  Deno.test(`purge() removes old finished runs and keeps all others [${target.engine}]`, async () => {
    await using fresh = await target.create();
    const { database } = fresh;
    await database.query("insert into timestep.sessions (session_id) values ('s')");
    for (const status of [...finished, ...live]) {
      await addRun(database, `${status} old`, status, 400);
      await addRun(database, `${status} new`, status, 1);
    }
    for (const never of [Number.MAX_VALUE, new Date(-8.64e15)]) {
      assertEquals(await purge(database, { olderThan: never }), { runs: 0 });
    }
    assertEquals(await purge(database, { olderThan: 30 * day }), { runs: finished.length });
    const kept = [
      ...finished.map((status) => `${status} new`),
      ...live.flatMap((s) => [`${s} new`, `${s} old`]),
    ];
    assertEquals(await runIds(database), kept.sort());
    for (const table of ["run_states", "usage"]) {
      assertEquals(await database.query(`select count(*) as n from timestep.${table}`), [{ n: kept.length }]);
    }
    assertEquals(await database.query("select session_id from timestep.sessions"), [{ session_id: "s" }]);
    assertEquals(await purge(database, { olderThan: new Date() }), { runs: finished.length });
    assertEquals(await purge(database, { olderThan: 0 }), { runs: 0 });
  });

  Deno.test(`purge() finds what belongs to a run by an index in each table [${target.engine}]`, async () => {
    await using fresh = await target.create();
    const tables = await fresh.database.query(
      `select conrelid::regclass::text as name from pg_constraint
       where contype = 'f' and confrelid = 'timestep.runs'::regclass order by 1`,
    );
    assertEquals(tables.length, 6);
    await fresh.database.transaction(async (transaction) => {
      await transaction.query("set local enable_seqscan = off");
      for (const { name } of tables) {
        const plan = await transaction.query(`explain delete from ${name} where run_id = 'x'`);
        assert(!JSON.stringify(plan).includes("Seq Scan"), `${name} is read as a whole.`);
      }
    });
  });

  Deno.test(`purge() removes more runs than fit one statement [${target.engine}]`, async () => {
    await using fresh = await target.create();
    await fresh.database.query(
      `insert into timestep.runs (run_id, agent_name, status, finished_at)
      select 'run ' || i, 'Agent', 'completed', now() - interval '2 days' from generate_series(1, 1234) i`,
    );
    assertEquals(await purge(fresh.database, { olderThan: new Date(8.64e15) }), { runs: 1234 });
    assertEquals(await runIds(fresh.database), []);
  });
}

Deno.test("purge() rejects with RangeError when olderThan is no time", async () => {
  const [target] = testDatabases();
  if (target === undefined) return;
  await using fresh = await target.create();
  for (const wrong of [-1, NaN, Infinity, new Date("never"), "30", null, undefined]) {
    const options = { olderThan: wrong } as PurgeOptions;
    await assertRejects(() => purge(fresh.database, options), RangeError, "olderThan");
  }
});
