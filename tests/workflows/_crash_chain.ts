import { type Database, openDatabase } from "../../mod.ts";
import { ensureBuiltInQueues } from "../../src/workflows/_queues.ts";
import type { FreshDatabase, TestDatabase } from "../_databases.ts";
import type { CrashJob, Note } from "./_crash_child.ts";

/**
 * Processes that die one after the other, on a database of their own: each goes on with the runs of the one before it,
 * and then begins others. The next is started ahead of time.
 */
export class CrashChain implements AsyncDisposable {
  readonly #fresh: FreshDatabase;
  readonly #notes = Deno.makeTempFileSync({ prefix: "timestep-crashes-" });
  #next = startChild();
  #opened: Database | undefined;

  private constructor(fresh: FreshDatabase) {
    this.#fresh = fresh;
  }

  /** Makes a chain on a fresh database. */
  static async create(target: TestDatabase): Promise<CrashChain> {
    const fresh = await target.create({ withDBOS: true });
    const { database } = fresh;
    await ensureBuiltInQueues(database);
    // Runs go on after a decision without a wait, as there are many of them.
    await database.query("update dbos.queues set polling_interval_sec = 0.02");
    // PGlite is open in one process only.
    if (database.engine === "pglite") await database.close();
    return new CrashChain(fresh);
  }

  /**
   * Goes on with the runs that are not finished, and begins others.
   *
   * @param begin The others.
   * @param killAfterMs So long after they were begun the process is killed, unless it has died before.
   * @throws {Error} When it ended by an error of its own.
   */
  async crash(begin: CrashJob["begin"], killAfterMs?: number): Promise<void> {
    const { database, connectionString } = this.#fresh;
    const child = this.#next;
    this.#next = startChild();
    await child.work(
      { begin, connectionString, notes: this.#notes, resume: this.#unfinished() },
      killAfterMs,
    );
    // Who was killed is dead; nobody has to find out by its silence.
    if (database.engine === "postgres") await database.query("delete from timestep.executors");
  }

  /** What the processes have noted until now. */
  notes(): Note[] {
    const lines = Deno.readTextFileSync(this.#notes).split("\n");
    return lines.filter((line) => line !== "").map((line) => JSON.parse(line));
  }

  /** Which runs have begun, died with their process, were found by the next, and have come to their end. */
  fates(): Record<"began" | "died" | "found" | "ended", Set<string>> {
    const notes = this.notes();
    const of = (type: Note["type"]) =>
      new Set(notes.flatMap((note) => note.type === type ? [note.runId] : []));
    return { began: of("began"), died: of("death"), found: of("found"), ended: of("end") };
  }

  /** The runs to go on with. One may be over, and its answer known, when its process dies. */
  #unfinished(): string[] {
    const { began, died, found, ended } = this.fates();
    return [...began].filter((runId) => (died.has(runId) || !ended.has(runId)) && !found.has(runId));
  }

  /** Goes on with the runs that are not finished, and opens the database to look at what became of all. */
  async finish(): Promise<Database> {
    await this.crash([]);
    const { database, connectionString } = this.#fresh;
    if (database.engine === "postgres") return database;
    return this.#opened ??= await openDatabase({ connectionString });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#next.kill();
    await this.#opened?.close();
    await this.#fresh[Symbol.asyncDispose]();
    await Deno.remove(this.#notes);
  }
}

/** A process that waits for its job. */
interface Child {
  /** Gives it the job; resolves when it has ended. */
  work(job: CrashJob, killAfterMs: number | undefined): Promise<void>;
  kill(): Promise<void>;
}

function startChild(): Child {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", new URL("./_crash_child.ts", import.meta.url).pathname],
    env: { NO_COLOR: "1", OPENAI_AGENTS_DISABLE_TRACING: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output: string[] = [];
  const begun = Promise.withResolvers<void>();
  const read = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      output.push(text);
      if (text.includes("begins")) begun.resolve();
    }
  };
  const ended = Promise.all([child.status, read(child.stdout), read(child.stderr)]);
  return {
    async work(job, killAfterMs) {
      const input = child.stdin.getWriter();
      await input.write(new TextEncoder().encode(JSON.stringify(job)));
      await input.close();
      const timer = killAfterMs === undefined
        ? undefined
        : begun.promise.then(() => setTimeout(() => kill(child), killAfterMs));
      const [{ signal, code }] = await ended;
      begun.resolve();
      clearTimeout(await timer);
      if (signal !== "SIGKILL" && code !== 0) throw new Error(`The process failed: ${output.join("")}`);
    },
    async kill() {
      kill(child);
      await ended;
      await child.stdin.abort().catch(() => {});
    },
  };
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
