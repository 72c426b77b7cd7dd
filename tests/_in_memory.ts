import { readFileSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";

/** What the system keeps in memory as files, on Linux. */
const IN_MEMORY = "/dev/shm";

/** The whole suite takes less than a quarter of it at any time. */
const ROOM_BYTES = 4 * 2 ** 30;

/** Tells children where the temporary directory of the system is. */
const KEPT = "TIMESTEP_TEST_KEPT";

/**
 * Runs something, and its children, with temporary files in memory, where there is room for them: a database for each
 * test is a thousand files, and on a disk most of the time would go into making and removing them. Postgres keeps its
 * settings, `fsync` too. What was made is removed afterwards.
 */
export async function inMemory<T>(body: () => Promise<T>): Promise<T> {
  if (!hasRoom()) return await body();
  Deno.env.set(KEPT, keptDirectory());
  const directory = await Deno.makeTempDir({ dir: IN_MEMORY, prefix: "timestep-tests-" });
  // Postgres passes through it as a user of its own.
  await Deno.chmod(directory, 0o755);
  Deno.env.set("TMPDIR", directory);
  try {
    return await body();
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Where to put what is of use to the next run, too: the temporary directory of the system. */
export function keptDirectory(): string {
  return Deno.env.get(KEPT) || tmpdir();
}

function hasRoom(): boolean {
  try {
    const mounts = readFileSync("/proc/mounts", "utf8").split("\n").map((line) => line.split(" "));
    const options = mounts.findLast(([, path]) => path === IN_MEMORY)?.[3];
    if (options === undefined || options.split(",").includes("noexec")) return false;
    const { bavail, bsize } = statfsSync(IN_MEMORY);
    return bavail * bsize >= ROOM_BYTES;
  } catch {
    return false;
  }
}
