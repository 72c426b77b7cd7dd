import type { Database } from "../database/database.ts";
import { lazily } from "./_lazily.ts";

const configuration = lazily(() => import("../workflows/configure_dbos.ts"));
const databases = lazily(() => import("../workflows/_database.ts"));

/**
 * The database of the durable runs, opened with the first use.
 *
 * @param connectionString Where it is, if this server was told.
 */
export async function openConfiguredDatabase(connectionString: string | undefined): Promise<Database> {
  if (connectionString !== undefined) {
    const { configureDBOS } = await configuration();
    configureDBOS({ connectionString });
  }
  const { workflowDatabase } = await databases();
  return await workflowDatabase();
}
