import { homedir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { DatabaseError } from "./database_error.ts";

/** Where a database is: a Postgres URI, a PGlite directory, or (null) PGlite in memory. */
export type Location =
  | { readonly engine: "postgres"; readonly uri: string }
  | { readonly engine: "pglite"; readonly directory: string | null };

/** Environment variables, by name; empty counts as not set. */
export type Environment = (name: string) => string | undefined;

/**
 * Decides where the database is: the explicit string, else `PG_CONNECTION_URI`, else `SUPABASE_DB_URL`, else
 * PGlite in `TIMESTEP_PGLITE_PATH` or the user's application directory.
 *
 * @param connectionString `postgres://...`, `postgresql://...`, `pglite:<directory>` or `pglite:memory`.
 * @param environment Reads a variable.
 * @throws {DatabaseError} `connection_string_invalid`.
 */
export function locate(connectionString: string | undefined, environment: Environment): Location {
  const [text, source] = connectionString !== undefined
    ? [String(connectionString), "connectionString"]
    : firstSet(["PG_CONNECTION_URI", "SUPABASE_DB_URL"], environment);
  if (text === undefined) {
    const directory = environment("TIMESTEP_PGLITE_PATH") ||
      join(applicationDirectory(environment), "timestep");
    return { engine: "pglite", directory: resolve(directory) };
  }
  if (/^postgres(ql)?:\/\//i.test(text)) return { engine: "postgres", uri: text };
  if (text === "pglite:memory") return { engine: "pglite", directory: null };
  if (text.startsWith("pglite:") && text.length > "pglite:".length) {
    return { engine: "pglite", directory: resolve(text.slice("pglite:".length)) };
  }
  throw new DatabaseError(
    "connection_string_invalid",
    // The value is not shown: it may hold a password.
    `Cannot open the database: ${source} begins neither with postgres:// (or postgresql://) nor with ` +
      "pglite:. Use postgres://user:password@host:5432/database, pglite:<directory> or pglite:memory.",
  );
}

function firstSet(names: readonly string[], environment: Environment): [string | undefined, string] {
  for (const name of names) {
    const value = environment(name);
    if (value) return [value, name];
  }
  return [undefined, ""];
}

function applicationDirectory(environment: Environment): string {
  if (process.platform === "win32") {
    return environment("LOCALAPPDATA") || join(homedir(), "AppData", "Local");
  }
  if (process.platform === "darwin") return join(homedir(), "Library", "Application Support");
  return environment("XDG_DATA_HOME") || join(homedir(), ".local", "share");
}
