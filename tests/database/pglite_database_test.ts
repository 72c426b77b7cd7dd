import { testDatabases } from "../_databases.ts";
import { databaseSuite } from "./database_suite.ts";

testDatabases().filter(({ engine }) => engine === "pglite").forEach(databaseSuite);
