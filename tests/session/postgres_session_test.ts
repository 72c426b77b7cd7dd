import { testDatabases } from "../_databases.ts";
import { databaseSessionSuite } from "./database_session_suite.ts";

testDatabases().filter(({ engine }) => engine === "postgres").forEach(databaseSessionSuite);
