import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseError } from "./database_error.ts";

const LOCK_FILE = "timestep.lock";
/** There while a new database is being written: its process may have died in the middle. */
const CREATING_FILE = "timestep.creating";

/** Keeps other processes out of a PGlite directory, which two processes at once would corrupt. */
export interface DirectoryLock {
  /** To be called before PGlite opens the directory: whether it will create a new database there. */
  beginCreating(): boolean;
  /** To be called when the new database is complete. */
  endCreating(): void;
  /** Lets others in. */
  release(): void;
}

/**
 * Locks a directory, creating it when it is missing. The lock is the operating system's (flock, LockFileEx)
 * on a file in the directory: it ends with the process however that ends, so it can't be stale.
 *
 * @param directory The directory.
 * @throws {DatabaseError} `directory_in_use` when another process has it; `directory_unusable` when it can't
 * be created or locked, or holds something else.
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  if (typeof Deno === "undefined") {
    throw new DatabaseError(
      "directory_unusable",
      `Cannot open PGlite in ${directory}: this runtime can't lock files, Deno can. Run with Deno, or use Postgres: ` +
        "set PG_CONNECTION_URI.",
    );
  }
  let file: Deno.FsFile;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    file = Deno.openSync(join(directory, LOCK_FILE), { create: true, write: true, read: true, mode: 0o600 });
  } catch (error) {
    throw unusable(directory, error instanceof Error ? error.message : String(error), error);
  }
  if (!await tryLock(file)) {
    file.close();
    throw new DatabaseError(
      "directory_in_use",
      `Cannot open PGlite in ${directory}: another process has it open, and PGlite is for one process at a ` +
        "time. End that process, choose another directory with TIMESTEP_PGLITE_PATH, or use Postgres: set " +
        "PG_CONNECTION_URI.",
    );
  }
  return {
    beginCreating: () => beginCreating(directory),
    endCreating: () => rmSync(join(directory, CREATING_FILE), { force: true }),
    release: () => file.close(),
  };
}

type Lockable = Pick<Deno.FsFile, "lock"> & Partial<Pick<Deno.FsFile, "tryLock">>;

/** How long a Deno without `tryLock()` waits for a lock before it takes it for somebody else's. */
const LOCK_PATIENCE_MS = 1_000;

async function tryLock(file: Lockable): Promise<boolean> {
  if (file.tryLock !== undefined) return await file.tryLock(true);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLate = new Promise<false>((resolve) => timer = setTimeout(() => resolve(false), LOCK_PATIENCE_MS));
  const locked = file.lock(true).then(() => true);
  locked.catch(() => {});
  return await Promise.race([locked, tooLate]).finally(() => clearTimeout(timer));
}

function beginCreating(directory: string): boolean {
  const creating = join(directory, CREATING_FILE);
  const entries = readdirSync(directory).filter((name) => name !== LOCK_FILE);
  if (existsSync(creating)) {
    // Nobody ever saw the database that was being created, so what there is of it holds nothing.
    for (const name of entries) {
      if (name !== CREATING_FILE) rmSync(join(directory, name), { recursive: true, force: true });
    }
    return true;
  }
  if (entries.includes("PG_VERSION")) return false;
  if (entries.length > 0) {
    throw unusable(directory, `it is not empty and holds no database (it holds ${entries[0]})`);
  }
  closeSync(openSync(creating, "w"));
  keepToOwner(directory);
  return true;
}

/** As Postgres does with a directory that was there: the engine makes files that everybody may write. */
function keepToOwner(directory: string): void {
  try {
    chmodSync(directory, 0o700);
  } catch {
    // It is somebody else's, who lets this program write to it.
  }
}

/** Says that a directory can't be used, and why. */
export function unusable(directory: string, why: string, cause?: unknown): DatabaseError {
  return new DatabaseError(
    "directory_unusable",
    `Cannot open PGlite in ${directory}: ${why}. Choose another directory with TIMESTEP_PGLITE_PATH.`,
    { cause },
  );
}
