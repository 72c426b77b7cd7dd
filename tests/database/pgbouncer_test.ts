import { pgbouncer } from "../_pgbouncer.ts";
import { databaseSuite } from "./database_suite.ts";

const pooled = pgbouncer();

if (pooled) {
  databaseSuite(pooled);
} else {
  Deno.test({
    name: "Left out: a pooler in transaction mode, because pgbouncer or Postgres was not found",
    ignore: true,
    fn() {},
  });
}
