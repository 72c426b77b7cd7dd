import process from "node:process";
import type { Database } from "./database.ts";
import { DatabaseError } from "./database_error.ts";
import { locate, type Location } from "./_location.ts";
import { migrate } from "./migrate.ts";
import { share } from "./_shared_database.ts";

/** Where to find the database. */
export interface OpenDatabaseOptions {
  /**
   * `postgres://...`, `pglite:<directory>` or `pglite:memory` (a new, private database). Default: the
   * environment's `PG_CONNECTION_URI`, else `SUPABASE_DB_URL`, else PGlite in the directory
   * `TIMESTEP_PGLITE_PATH`, else PGlite in `timestep` in the user's application directory.
   */
  connectionString?: string | undefined;
}

/**
 * Opens the database and brings its schema up to date.
 *
 * Within a process everything opened at one place shares one connection pool or PGlite instance, which closes
 * when the last of them is closed. A program that forgets to close still exits.
 *
 * @param options Where to find the database.
 * @returns The database, migrated.
 * @throws {TypeError} When something else than options is given, such as the connection string itself.
 * @throws {DatabaseError} When it can't be reached, opened or migrated; `code` says why.
 *
 * @example
 * ```ts
 * import { openDatabase } from "@timestep-ai/timestep";
 *
 * const database = await openDatabase({ connectionString: "pglite:memory" });
 * console.log(await database.query("select $1::int + 1 as sum", [1])); // [ { sum: 2 } ]
 * await database.close();
 * ```
 */
export async function openDatabase(options: OpenDatabaseOptions = {}): Promise<Database> {
  // Where types are not checked, a string would be taken for no options, and another database be opened.
  if (typeof options !== "object" || options === null) {
    throw new TypeError("Cannot open the database: give where it is as { connectionString }, or nothing");
  }
  const location = locate(options.connectionString, readEnvironment);
  if (location.engine === "pglite" && location.directory === null) {
    return await share(Symbol("private"), () => openMigrated(location));
  }
  const key = location.engine === "postgres" ? location.uri : `pglite:${location.directory}`;
  return await share(key, () => openMigrated(location));
}

/** Only the engine that is used is loaded: PGlite must not get into an edge bundle's memory. */
async function openMigrated(location: Location): Promise<Database> {
  const database = location.engine === "postgres"
    ? (await import("./postgres.ts")).openPostgres(location.uri)
    : await (await import("./pglite.ts")).openPGlite(location.directory);
  try {
    await migrate(database);
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** A variable that may not be read is an error: taking it for unset could open another database. */
export function readEnvironment(name: string): string | undefined {
  try {
    return process.env[name];
  } catch (error) {
    throw new DatabaseError(
      "environment_not_readable",
      `Cannot tell where the database is: the program may not read the environment variable ${name}. Allow ` +
        `it (--allow-env=${name}) or pass connectionString.`,
      { cause: error },
    );
  }
}
