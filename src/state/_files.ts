import { open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** A file's text, or `null` when there is no file. */
export async function readTextFile(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

/**
 * Writes a file whole or not at all: to one beside it, which takes its place when it is on disk. For one writer at a
 * time: what one that was killed has left is overwritten.
 */
export async function writeTextFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`;
  try {
    const file = await open(temporary, "w", 0o600);
    try {
      await file.writeFile(text, "utf8");
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Makes a renaming last through a power failure, where the system lets directories be opened. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path).catch(() => null);
  await directory?.sync().catch(() => {});
  await directory?.close();
}

/** Runs `body` while no other process, nor any other call here, is inside of the same lock. */
export async function withFileLock<T>(path: string, body: () => Promise<T>): Promise<T> {
  const file = await Deno.open(path, { create: true, write: true });
  try {
    // The system's own lock: it ends with the process, however that ends.
    await file.lock(true);
    return await body();
  } finally {
    file.close();
  }
}
