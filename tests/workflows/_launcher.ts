/**
 * Launches DBOS in a process of its own, on the database of the connection string in its argument, and ends.
 *
 * @module
 */
import { configureDBOS, ensureDBOSLaunched, shutdownDBOS } from "../../mod.ts";

if (import.meta.main) {
  configureDBOS({ connectionString: Deno.args[0] });
  await ensureDBOSLaunched();
  await shutdownDBOS();
  console.log("launched");
}
