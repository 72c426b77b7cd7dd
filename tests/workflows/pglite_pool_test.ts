import { assertEquals, assertRejects } from "@std/assert";
import { PGlite } from "@electric-sql/pglite";
import { pglitePool } from "../../src/workflows/_pglite_pool.ts";

async function withPool(body: (pool: ReturnType<typeof pglitePool>, pglite: PGlite) => Promise<void>) {
  const pglite = await PGlite.create();
  try {
    await pglite.exec("create table t (n int unique)");
    await body(pglitePool(pglite), pglite);
  } finally {
    await pglite.close();
  }
}

const numbers = async (pool: ReturnType<typeof pglitePool>) =>
  (await pool.query<{ n: number }>("select n from t order by n")).rows.map((row: { n: number }) => row.n);

Deno.test("pglitePool() keeps others out from BEGIN to COMMIT", async () => {
  await withPool(async (pool) => {
    const client = await pool.connect();
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
    await client.query("insert into t values ($1)", [1]);
    const other = pool.query("insert into t values (2)");
    await client.query("insert into t values (3)");
    await client.query("COMMIT");
    client.release();
    assertEquals((await other).rowCount, 1);
    assertEquals(await numbers(pool), [1, 2, 3]);
  });
});

Deno.test("pglitePool() rolls back on ROLLBACK, after an error, and on release()", async () => {
  await withPool(async (pool) => {
    const client = await pool.connect();
    await client.query("BEGIN");
    await client.query("insert into t values (1)");
    await client.query("ROLLBACK");
    await client.query("BEGIN");
    await client.query("insert into t values (2)");
    await assertRejects(() => client.query("insert into t values (2)"), Error, "unique");
    await client.query("ROLLBACK");
    await client.query("BEGIN");
    await client.query("insert into t values (3)");
    client.release();
    assertEquals(await numbers(pool), []);
  });
});

Deno.test("pglitePool() counts rows as pg does", async () => {
  await withPool(async (pool) => {
    assertEquals((await pool.query("insert into t values (1), (2)")).rowCount, 2);
    assertEquals((await pool.query("select * from t")).rowCount, 2);
    assertEquals((await pool.query("update t set n = 3 where n = 9")).rowCount, 0);
    const returned = await pool.query("update t set n = n + 10 returning n");
    assertEquals([returned.rowCount, returned.rows.length], [2, 2]);
  });
});

Deno.test("pglitePool() passes on the SQLSTATE of an error", async () => {
  await withPool(async (pool) => {
    const error = await pool.query("select from nowhere").catch((error: unknown) => error);
    assertEquals(error instanceof Error && "code" in error && error.code, "42P01");
  });
});
