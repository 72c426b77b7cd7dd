import { testDatabases } from "../_databases.ts";
import { damageSuite } from "./damage_suite.ts";
import { rowsSuite } from "./rows_suite.ts";
import { storeSuite } from "./store_suite.ts";
import { databaseTarget } from "./store_target.ts";

for (const target of testDatabases().filter(({ engine }) => engine === "pglite")) {
  storeSuite(databaseTarget(target));
  damageSuite(databaseTarget(target));
  rowsSuite(target);
}
