import type { Database } from "../database/database.ts";
import { openDatabase } from "../database/open_database.ts";
import { releaseConfiguration, useConfiguration } from "./configure_dbos.ts";
import { ensureBuiltInQueues } from "./_queues.ts";

let opened: Promise<Database> | undefined;
let prepared: Promise<Database> | undefined;

/** The configured database, opened with the first use. */
export function workflowDatabase(): Promise<Database> {
  const { connectionString } = useConfiguration();
  return opened ??= openDatabase({ connectionString }).catch((error) => {
    opened = undefined;
    throw error;
  });
}

/** The configured database, with DBOS's tables in it: runs can be enqueued. DBOS need not be launched for that. */
export function dispatchDatabase(): Promise<Database> {
  return prepared ??= prepare().catch((error) => {
    prepared = undefined;
    throw error;
  });
}

/** Closes the database, if it was opened, and lets DBOS be configured again. */
export async function closeWorkflowDatabase(): Promise<void> {
  const closing = opened;
  opened = prepared = undefined;
  releaseConfiguration();
  await (await closing?.catch(() => undefined))?.close();
}

async function prepare(): Promise<Database> {
  const database = await workflowDatabase();
  // Loaded here: most programs that import the module never need it.
  const { migrateDBOS } = await import("./_system_database.ts");
  await migrateDBOS(database, useConfiguration().connectionString);
  await ensureBuiltInQueues(database);
  return database;
}
