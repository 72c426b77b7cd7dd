import { dirname, resolve } from "node:path";

/** @throws {Error} Where files can't be locked, which would let two processes resume one run. */
export function assertLockable(path: string): void {
  if (typeof Deno !== "undefined") return;
  throw new Error(
    `Cannot keep runs in the file "${path}": this runtime can't lock files, Deno can. Run with Deno, or keep them ` +
      "in a database.",
  );
}

/** A path that stays the same wherever the program goes. */
export function absolutePath(path: string): string {
  try {
    return resolve(path);
  } catch {
    return path; // The program may not know where it is.
  }
}

/** The file behind symbolic links, be it there or not: who comes by another way has to find the same lock. */
export async function realPath(path: string): Promise<string> {
  try {
    return await Deno.realPath(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const target = await Deno.readLink(path).catch(() => null);
  return target === null ? path : await realPath(resolve(dirname(path), target));
}

/** A file's text, or `null` when there is no file. */
export async function readTextFile(path: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/**
 * Writes a file whole or not at all: to one beside it, which takes its place when it is on disk. For one writer at a
 * time: what one that was killed has left is taken away, and never written through, as it may be somebody's link.
 */
export async function writeTextFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`;
  try {
    await Deno.remove(temporary).catch(() => {});
    await Deno.writeTextFile(temporary, text, { mode: 0o600, createNew: true });
    await sync(temporary);
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
  // Makes the renaming last through a power failure, where the system lets directories be opened.
  await sync(dirname(path)).catch(() => {});
}

async function sync(path: string): Promise<void> {
  const file = await Deno.open(path);
  try {
    await file.sync();
  } finally {
    file.close();
  }
}

/** Runs `body` while no other process, nor any other call here, is inside of the same lock. */
export async function withFileLock<T>(path: string, body: () => Promise<T>): Promise<T> {
  const file = await Deno.open(path, { create: true, write: true, mode: 0o600 });
  try {
    // The system's own lock: it ends with the process, however that ends.
    await file.lock(true);
    return await body();
  } finally {
    file.close();
  }
}
