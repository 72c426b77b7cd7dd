import { existsSync, realpathSync } from "node:fs";
import { dirname } from "node:path";
import { findPostgresPrograms, type PostgresServer, startPostgres } from "../_postgres.ts";

/**
 * Whether pg_cron is installed for the Postgres that is here: Debian's package postgresql-15-cron.
 *
 * @throws {Error} When it is not, where nothing may be left out: with `CI` set.
 */
export function hasPgCron(): boolean {
  const found = findPostgresPrograms();
  if (found === null) return false;
  // May be links to where they are.
  const programs = dirname(realpathSync(`${found}/initdb`));
  // Debian's folders, and those of a Postgres that was built by itself.
  const folders = [
    programs.replace("/lib/", "/share/").replace(/\/bin$/, ""),
    `${programs}/../share/postgresql`,
  ];
  if (folders.some((folder) => existsSync(`${folder}/extension/pg_cron.control`))) return true;
  const missing = "pg_cron is not installed for this Postgres (Debian: postgresql-15-cron)";
  if (Deno.env.get("CI")) throw new Error(`${missing}, and CI must not leave its tests out.`);
  console.log(`Left out: what pg_cron does. ${missing}.`);
  return false;
}

/** Starts a server in whose database `postgres` the extension can be created. */
export function startPostgresWithCron(): Promise<PostgresServer> {
  return startPostgres({
    settings: [
      "shared_preload_libraries = 'pg_cron'",
      // Otherwise it connects like a client, and would need the password.
      "cron.use_background_workers = on",
    ],
  });
}
