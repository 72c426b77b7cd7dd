import type { Database } from "../database/database.ts";

/**
 * The database of the durable runs, opened with the first use.
 *
 * @param connectionString Where it is, if this server was told.
 */
export async function openConfiguredDatabase(connectionString: string | undefined): Promise<Database> {
  if (connectionString !== undefined) {
    const { configureDBOS } = await import("../workflows/configure_dbos.ts");
    configureDBOS({ connectionString });
  }
  const { workflowDatabase } = await import("../workflows/_database.ts");
  return await workflowDatabase();
}
