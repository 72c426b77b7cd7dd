import { assertEquals, assertRejects } from "@std/assert";
import { DatabaseError, openDatabase } from "@timestep-ai/timestep";
import { pgbouncer } from "../_pgbouncer.ts";
import { databaseSuite } from "./database_suite.ts";

const pooled = pgbouncer();

if (pooled) {
  databaseSuite(pooled);

  Deno.test("openDatabase() rejects with what is wrong when a pooler says it", async () => {
    await using fresh = await pooled.create();
    for (
      const [part, value, code] of [
        ["password", "wrong", "authentication_failed"],
        ["pathname", "/absent", "database_not_found"],
      ] as const
    ) {
      const uri = new URL(fresh.connectionString);
      uri[part] = value;
      const error = await assertRejects(() => openDatabase({ connectionString: uri.href }), DatabaseError);
      assertEquals(error.code, code, error.message);
    }
  });
} else {
  Deno.test({
    name: "Left out: a pooler in transaction mode, because pgbouncer or Postgres was not found",
    ignore: true,
    fn() {},
  });
}
