import type { Database, Queryable } from "./database.ts";
import { DatabaseError, StatementError } from "./database_error.ts";

/** One file of `supabase/migrations`. */
export interface Migration {
  /** The fourteen digits that the file's name begins with. */
  readonly version: string;
  /** The statements. They are safe to run again, and record their own version. */
  readonly sql: string;
}

/** Any number will do, as long as every process takes the same. */
const LOCK_KEY = 7_446_923_001;

/**
 * Brings the schema up to date, as `openDatabase()` does; for a {@linkcode Database} of one's own, before its first
 * use. When it is up to date, this is one small SELECT. Several processes may call it at once: they take turns, by a
 * lock that lives in the transaction and so works through a pooler, too.
 *
 * @param database The database.
 * @throws {DatabaseError} `schema_too_new` when the database has had a migration that this code does not
 * know; `permission_missing` when the role may not create or read the schema.
 */
export async function migrate(database: Database): Promise<void> {
  await applyMigrations(database, (await import("./_migrations.ts")).migrations);
}

/** Does what {@linkcode migrate} does, with these migrations instead of this module's own. */
export async function applyMigrations(database: Database, known: readonly Migration[]): Promise<void> {
  try {
    if ((await missing(database, known)).length === 0) return;
  } catch (error) {
    if (!isSchemaMissing(error)) throw explain(error);
  }
  try {
    await database.transaction(async (transaction) => {
      await transaction.query("select pg_advisory_xact_lock($1)", [LOCK_KEY]);
      const [{ exists } = {}] = await transaction.query(
        "select to_regclass('timestep.migrations') is not null as exists",
      );
      for (const migration of exists ? await missing(transaction, known) : known) {
        await transaction.script(migration.sql);
      }
    });
  } catch (error) {
    throw explain(error);
  }
}

async function missing(queryable: Queryable, known: readonly Migration[]): Promise<Migration[]> {
  const rows = await queryable.query("select version from timestep.migrations");
  const applied = new Set(rows.map((row) => String(row["version"])));
  const last = known.at(-1)?.version ?? "";
  const newer = [...applied].filter((version) => version > last).sort();
  if (newer.length > 0) {
    throw new DatabaseError(
      "schema_too_new",
      `Cannot use the database: its schema has version ${newer.at(-1)}, this code knows up to ${last}. ` +
        "Update @timestep-ai/timestep in this program.",
    );
  }
  return known.filter((migration) => !applied.has(migration.version));
}

/** Undefined table, or undefined schema. */
function isSchemaMissing(error: unknown): boolean {
  return error instanceof StatementError && ["42P01", "3F000"].includes(error.sqlState);
}

function explain(error: unknown): unknown {
  if (!(error instanceof StatementError) || error.sqlState !== "42501") return error;
  return new DatabaseError(
    "permission_missing",
    `Cannot migrate the database: ${error.message}. The role needs CREATE on the database the first time ` +
      '(grant create on database "<name>" to "<role>") and must own the schema "timestep" for later versions.',
    { cause: error },
  );
}
