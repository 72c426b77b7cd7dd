import { assertEquals } from "@std/assert";
import { postgresPool } from "../../src/workflows/_postgres_pool.ts";
import { testDatabases } from "../_databases.ts";

const postgres = testDatabases().find(({ engine }) => engine === "postgres");

Deno.test({
  name: "postgresPool() answers who waits for a connection when it is ended",
  ignore: !postgres,
  fn: async () => {
    await using fresh = await postgres?.create();
    const pool = await postgresPool(String(fresh?.connectionString));
    await pool.query("select 1"); // Leaves a connection that the next one waits for.
    const waiting = pool.query("select 2 as two");
    await pool.end();
    assertEquals((await waiting).rows, [{ two: 2 }]);
  },
});

Deno.test({
  name: "postgresPool() outlives a connection that breaks between the statements of whoever uses it",
  ignore: !postgres,
  fn: async () => {
    await using fresh = await postgres?.create();
    const pool = await postgresPool(String(fresh?.connectionString));
    const client = await pool.connect();
    const { rows: [row] } = await client.query("select pg_backend_pid() as pid");
    const ended = new Promise((resolve) => client.once("end", resolve));
    await fresh?.database.query("select pg_terminate_backend($1::int)", [row.pid]);
    await ended;
    client.release();
    assertEquals((await pool.query("select 1 as one")).rows, [{ one: 1 }]);
    await pool.end();
  },
});
