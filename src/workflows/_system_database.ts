import type { DBOSConfig } from "@dbos-inc/dbos-sdk";
import { exportsOf } from "../core/common_js.ts";
import { locate } from "../database/_location.ts";
import type { Database } from "../database/database.ts";
import { readEnvironment } from "../database/open_database.ts";
import { dbosLogger } from "./_logger.ts";
import { type PGliteInstance, pglitePool } from "./_pglite_pool.ts";
import { postgresPool } from "./_postgres_pool.ts";

/** How DBOS reaches the database. The URL is only shown in messages; who asked for the pool ends it. */
export type SystemDatabaseConfig = Required<Pick<DBOSConfig, "systemDatabaseUrl" | "systemDatabasePool">>;

/** Lives in a transaction, so that it works through a pooler, and is given back when the process dies. */
const MIGRATION_LOCK = 7_446_923_003;

const MIGRATION_RETRY_MS = 100;

/**
 * The part of DBOS's configuration that says where its tables are: in the database of our own, schema `dbos`.
 *
 * @param database The database, open.
 * @param connectionString How it was found.
 */
export async function systemDatabaseConfig(
  database: Database,
  connectionString: string | undefined,
): Promise<SystemDatabaseConfig> {
  const location = locate(connectionString, readEnvironment);
  if (location.engine === "postgres") {
    return { systemDatabaseUrl: location.uri, systemDatabasePool: await postgresPool(location.uri) };
  }
  return {
    systemDatabaseUrl: "postgresql://pglite:pglite@pglite:5432/pglite",
    systemDatabasePool: pglitePool(await pglite(database)),
  };
}

/**
 * Creates or migrates DBOS's tables, unless they are there. DBOS's own migrations take no lock and fail when two
 * processes start them at once, so only one does at a time.
 *
 * @param database The database, open.
 * @param connectionString How it was found.
 */
export async function migrateDBOS(database: Database, connectionString: string | undefined): Promise<void> {
  if (await isMigrated(database)) return;
  const { systemDatabaseUrl, systemDatabasePool } = await systemDatabaseConfig(database, connectionString);
  const { ensureSystemDatabase } = exportsOf(await import("@dbos-inc/dbos-sdk/internal/system_database"));
  const { GlobalLogger } = exportsOf(await import("@dbos-inc/dbos-sdk/internal/telemetry/logs"));
  const logger = new GlobalLogger(undefined, { logger: dbosLogger });
  const ensure = () => ensureSystemDatabase(systemDatabaseUrl, logger, systemDatabasePool, "dbos", false);
  try {
    // The lock's transaction would keep PGlite to itself, where there is nobody to lock out.
    if (database.engine === "pglite") return await ensure();
    while (!(await migrateUnderLock(database, ensure))) {
      // Not by waiting for the lock: DBOS builds indexes concurrently, which waits for every waiting statement.
      await new Promise((resolve) => setTimeout(resolve, MIGRATION_RETRY_MS));
    }
  } finally {
    await systemDatabasePool.end();
  }
}

/** @returns Whether the lock was free. */
async function migrateUnderLock(database: Database, ensure: () => Promise<void>): Promise<boolean> {
  return await database.transaction(async (transaction) => {
    const [row] = await transaction.query("select pg_try_advisory_xact_lock($1) as locked", [MIGRATION_LOCK]);
    if (row?.["locked"] !== true) return false;
    // Besides, a script ends the statement before it for good. That would otherwise keep its view of the data until
    // the end of the transaction, for which DBOS, building indexes concurrently, would wait for ever.
    await transaction.script("set local idle_in_transaction_session_timeout = 0");
    if (!(await isMigrated(database))) await ensure();
    return true;
  });
}

async function isMigrated(database: Database): Promise<boolean> {
  const [found] = await database.query("select to_regclass('dbos.dbos_migrations') is not null as found");
  if (found?.["found"] !== true) return false;
  const { allMigrations } = exportsOf(
    await import("@dbos-inc/dbos-sdk/internal/sysdb_migrations/internal/migrations"),
  );
  const [row] = await database.query("select max(version)::int as version from dbos.dbos_migrations");
  return Number(row?.["version"]) >= allMigrations("dbos", { useListenNotify: false }).length;
}

async function pglite(database: Database): Promise<PGliteInstance> {
  // Imported here: it would load PGlite for those who use Postgres.
  const { pgliteInstance } = await import("../database/pglite.ts");
  const instance = pgliteInstance(database);
  if (instance) return instance;
  throw new TypeError("Cannot launch DBOS: the database is PGlite, but not one that openDatabase() opened.");
}
