import { testDatabases } from "../_databases.ts";
import { storeSuite } from "./store_suite.ts";
import { databaseTarget } from "./store_target.ts";

testDatabases().filter(({ engine }) => engine === "pglite").map(databaseTarget).forEach(storeSuite);
