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
