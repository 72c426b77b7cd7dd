/**
 * A process that dies. It reads what to do from its input, as JSON: it goes on with the runs of the one that died before
 * it, to their end, and then begins runs of its own, in the middle of which it is killed or kills itself with SIGKILL.
 * Whoever starts it can do so ahead of time.
 *
 * Each run is cut off from the database at a place of its own; when the last of them is, the process dies.
 *
 * @module
 */
import {
  configureDBOS,
  type Database,
  DatabaseSession,
  decide,
  ensureDBOSLaunched,
  listInterruptions,
  openDatabase,
  registerAgent,
  runAgentWorkflow,
  type RunEvent,
  shutdownDBOS,
} from "../../mod.ts";
import { underlyingDatabase } from "../../src/database/_shared_database.ts";
import { readRunEvents } from "../../src/durable/read_run_events.ts";
import { crashAgent, type Effect } from "./_crash_agents.ts";

/** What the process is to do. */
export interface CrashJob {
  connectionString: string;
  /** Where to take notes, which outlive it: a {@linkcode Note} in each line. */
  notes: string;
  /** The runs to go on with. */
  resume: string[];
  /** The runs to begin, each when the one before it has died; those without a place to die at, at once. */
  begin: { runId: string; dieAt?: number }[];
}

/** What a process has noted. */
export type Note =
  & { runId: string; pid: number }
  & (
    | Effect & { type: "effect" }
    | { type: "began" }
    /** The run is cut off, to die with the process. */
    | { type: "death"; place: string }
    /** What was there of the run before it was gone on with. */
    | { type: "found"; recorded: string[]; seen: RunEvent[] }
    | { type: "end"; finalOutput: unknown; usage: unknown }
  );

type NoteContent = Note extends infer TNote ? TNote extends Note ? Omit<TNote, "pid"> : never : never;

class CrashChild {
  readonly #job: CrashJob;
  readonly #database: Database;
  readonly #agent = crashAgent((effect) => this.#note({ type: "effect", ...effect }));

  constructor(job: CrashJob, database: Database) {
    this.#job = job;
    this.#database = database;
  }

  async work(): Promise<void> {
    const { connectionString, resume, begin } = this.#job;
    // Nobody else lives, so nobody has to be waited for.
    configureDBOS({ connectionString, heartbeatSeconds: 0.05, executorTimeoutSeconds: 600 });
    registerAgent(this.#agent);
    for (const runId of resume) {
      this.#note({ runId, type: "found", ...await whatIsThere(this.#database, runId) });
    }
    await Promise.all(resume.map((runId) => this.#run(runId)));
    await ensureDBOSLaunched();
    console.log("begins");
    await this.#begin(begin);
    await shutdownDBOS();
  }

  async #begin(runs: CrashJob["begin"]): Promise<void> {
    const places = new Map(runs.flatMap(({ runId, dieAt }) => dieAt === undefined ? [] : [[runId, dieAt]]));
    const deaths = new Deaths(this.#database, places, (runId, place) => {
      this.#note({ runId, type: "death", place });
    });
    const underWay: Promise<unknown>[] = [];
    for (const { runId } of runs) {
      this.#note({ runId, type: "began" });
      const death = deaths.of(runId);
      const run = this.#run(runId).catch((error) => {
        if (!(error instanceof Dead)) throw error;
      });
      if (death) await Promise.race([run, death]);
      else underWay.push(run);
    }
    await Promise.all(underWay);
    if (deaths.any) die();
  }

  /** The program that is killed and started again: it runs the agent, and approves of what it is asked for. */
  async #run(runId: string): Promise<void> {
    const session = new DatabaseSession({ sessionId: `of ${runId}`, database: this.#database });
    const options = { agent: this.#agent, inputItems: runId, session, stream: true, workflowId: runId };
    for (;;) {
      const { status, finalOutput, usage } = await runAgentWorkflow(options);
      if (status !== "interrupted") return this.#note({ runId, type: "end", finalOutput, usage });
      const pending = (await listInterruptions({ runId })).filter(({ status }) => status === "pending");
      const decisions = pending.map(({ interruptionId }) => ({ interruptionId, approve: true }));
      if (decisions.length > 0) await decide({ runId, decisions });
    }
  }

  #note(note: NoteContent): void {
    const line = JSON.stringify({ pid: Deno.pid, ...note });
    Deno.writeTextFileSync(this.#job.notes, `${line}\n`, { append: true });
  }
}

/** The steps that were recorded of a run, and what a reader has received of it. */
async function whatIsThere(database: Database, runId: string) {
  const rows = await database.query(
    "select key from timestep.journal where run_id = $1 and status <> 'started'",
    [runId],
  );
  const [last] = await database.query(
    `select max(position) as position from (
       select position from timestep.journal
       where run_id = $1 and kind in ('model', 'tool', 'handoff', 'guardrail')
       union all select position from timestep.run_events where run_id = $1
     ) as stream`,
    [runId],
  );
  const seen: RunEvent[] = [];
  if (last?.["position"]) {
    for await (const event of readRunEvents(database, runId)) {
      seen.push(event);
      if (event.position === last["position"]) break;
    }
  }
  return { recorded: rows.map(({ key }) => String(key)), seen };
}

/** Statements that change how a run stands. The run's id is their first parameter. */
const CHANGE = /write_journal\(|start_run\(|enqueue_run|claim_run\(|set status = \$3, always/;

/** Thrown by statements of a run that has died. */
class Dead extends Error {}

/**
 * Lets runs die, each at a place of its own: before each change of how they stand is one, and after it; where it is
 * part of a transaction, after its commit. From then on nothing of the run reaches the database, until the process
 * dies, too. Within a transaction that is at once: what is open then was not rolled back.
 */
class Deaths {
  readonly #places: ReadonlyMap<string, number>;
  readonly #note: (runId: string, place: string) => void;
  readonly #passed = new Map<string, number>();
  readonly #deaths: Map<string, PromiseWithResolvers<void>>;
  readonly #dead = new Set<string>();

  /** @param places For each run at which of its places, counted from 1. */
  constructor(
    database: Database,
    places: ReadonlyMap<string, number>,
    note: (runId: string, place: string) => void,
  ) {
    this.#places = places;
    this.#note = note;
    this.#deaths = new Map([...places.keys()].map((runId) => [runId, Promise.withResolvers<void>()]));
    this.#intercept(underlyingDatabase(database));
  }

  /** Whether a run has died. */
  get any(): boolean {
    return this.#dead.size > 0;
  }

  /** Resolves when the run has died; nothing for a run that has no place to. */
  of(runId: string): Promise<void> | undefined {
    return this.#deaths.get(runId)?.promise;
  }

  #intercept(database: Database): void {
    const query = database.query.bind(database);
    const transaction = database.transaction.bind(database);
    database.query = async (text, parameters = []) => {
      this.#assertAlive(text, parameters);
      const [change] = CHANGE.exec(text) ?? [];
      if (change === undefined) return await query(text, parameters);
      const runId = String(parameters[0]);
      this.#pass(runId, `before ${change} ${parameters[3]}`);
      const rows = await query(text, parameters);
      this.#pass(runId, `after ${change} ${parameters[3]}`);
      return rows;
    };
    database.transaction = async (body) => {
      let runId: string | undefined;
      const result = await transaction((inner) =>
        body({
          script: (sql) => inner.script(sql),
          query: async (text, parameters = []) => {
            this.#assertAlive(text, parameters);
            if (!CHANGE.test(text)) return await inner.query(text, parameters);
            runId = String(parameters[0]);
            if (this.#isPlace(runId, `in a transaction, before ${text}`)) die();
            return await inner.query(text, parameters);
          },
        })
      );
      if (runId !== undefined) this.#pass(runId, "after the commit of a transaction");
      return result;
    };
  }

  #isPlace(runId: string, place: string): boolean {
    const count = (this.#passed.get(runId) ?? 0) + 1;
    this.#passed.set(runId, count);
    if (count !== this.#places.get(runId)) return false;
    this.#note(runId, place);
    return true;
  }

  #pass(runId: string, place: string): void {
    if (!this.#isPlace(runId, place)) return;
    this.#dead.add(runId);
    this.#deaths.get(runId)?.resolve();
    throw new Dead();
  }

  #assertAlive(text: string, parameters: readonly unknown[]): void {
    // What several runs write at once is written one by one when that fails; so each comes by its places.
    if (text.includes("write_journals(") && this.#places.size > 0) throw new Dead();
    for (const runId of this.#dead) {
      // Its workflows are named after it.
      const names = (parameter: unknown) => parameter === runId || String(parameter).startsWith(`${runId}:`);
      if (parameters.some(names)) throw new Dead();
    }
  }
}

function die(): never {
  Deno.kill(Deno.pid, "SIGKILL");
  for (;;); // The signal is on its way.
}

if (import.meta.main) {
  const job: CrashJob = JSON.parse(await new Response(Deno.stdin.readable).text());
  const { connectionString } = job;
  const database = await openDatabase({ connectionString });
  await new CrashChild(job, database).work();
  await database.close();
}
