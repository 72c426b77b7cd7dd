import { assert, assertEquals } from "@std/assert";
import { RunStateNotFoundError, RunStateStore } from "@timestep-ai/timestep";
import { testDatabases } from "../_databases.ts";
import { weatherAgent } from "./_runs.ts";

interface Place extends AsyncDisposable {
  /** What the process is told. */
  json: string;
  open(): RunStateStore;
}

const { agent } = weatherAgent();

async function file(): Promise<Place> {
  const directory = await Deno.makeTempDir({ prefix: "timestep-kill-" });
  const path = `${directory}/state.json`;
  return {
    json: JSON.stringify({ path }),
    open: () => new RunStateStore(path, agent),
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}

const places: { name: string; create(): Promise<Place> }[] = [
  { name: "file", create: file },
  ...testDatabases().map(({ engine, create }) => ({
    name: engine,
    async create() {
      const fresh = await create();
      const { connectionString } = fresh;
      // PGlite is for one process at a time: not for this one, until it opens it again.
      await fresh.database.close();
      return {
        json: JSON.stringify({ connectionString }),
        open: () => new RunStateStore({ agent, sessionId: "s", connectionString }),
        [Symbol.asyncDispose]: () => fresh[Symbol.asyncDispose](),
      };
    },
  })),
];

for (const { name, create } of places) {
  Deno.test(`load() gives another process what one saved that was killed then [${name}]`, async () => {
    await using place = await create();
    await runUntil("save", place.json, (line) => line === "saved");
    const lines = await runUntil("resume", place.json, () => false);
    assertEquals(lines, [JSON.stringify({ finalOutput: "Sunny.", told: ["Oakland"] })]);
    await using store = place.open();
    const found = await store.load().catch((error) => error);
    assert(found instanceof RunStateNotFoundError, `${found}`);
  });

  Deno.test(`load() gives a whole run when a process was killed anywhere in saving [${name}]`, async () => {
    await using place = await create();
    for (let kill = 0; kill < 4; kill++) {
      const lines: string[] = [];
      await runUntil("save-forever", place.json, (line) => {
        lines.push(line);
        return false;
      }, { killAfterLines: 3, thenMs: Math.random() * 30 });
      await using store = place.open();
      const state = await store.load();
      assertEquals(state.getInterruptions()[0]?.arguments?.length, 200_000 + '{"city":""}'.length);
      await store.clear();
    }
  });
}

for (const { name, create } of places.filter(({ name }) => name !== "pglite")) {
  Deno.test(`runAgent() resumes a saved run once when many processes try at once [${name}]`, async () => {
    await using place = await create();
    await runUntil("save", place.json, (line) => line === "saved");
    const outcomes = await Promise.all(
      Array.from({ length: 4 }, () => runUntil("resume", place.json, () => false)),
    );
    const told = JSON.stringify({ finalOutput: "Sunny.", told: ["Oakland"] });
    assertEquals(outcomes.flat().filter((line) => line === told).length, 1, `${outcomes}`);
    assertEquals(outcomes.flat().filter((line) => line !== told).map(isRefusal), [true, true, true]);
  });
}

function isRefusal(line: string): boolean {
  return line === "RunStateConflictError" || line === "RunStateNotFoundError";
}

/**
 * Runs the process, killing it with SIGKILL at the first line for which `isEnough`, or some milliseconds after so
 * many lines.
 *
 * @returns The lines that it wrote.
 */
async function runUntil(
  task: string,
  place: string,
  isEnough: (line: string) => boolean,
  { killAfterLines = Infinity, thenMs = 0 } = {},
): Promise<string[]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--no-check", new URL("./_process.ts", import.meta.url).href, task, place],
    cwd: new URL("../../", import.meta.url),
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines: string[] = [];
  let rest = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    for (const line of parts) {
      lines.push(line);
      if (isEnough(line)) child.kill("SIGKILL");
      if (lines.length === killAfterLines) timer = setTimeout(() => child.kill("SIGKILL"), thenMs);
    }
  }
  await child.status;
  clearTimeout(timer);
  return lines;
}
