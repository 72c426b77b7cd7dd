/**
 * A process that dies. It reads what to do from its input, as JSON: it goes on with the runs of the one that died before
 * it, to their end, and then begins runs of its own, in the middle of which it is killed or kills itself with SIGKILL.
 * Whoever starts it can do so ahead of time.
 *
 * A run comes to the place where it is to die and stands still; when the last of them stands still the process dies,
 * so that each of them dies at its own place.
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
  /** The runs to begin, each when the one before it stands still; those without a place to die at, at once. */
  begin: { runId: string; dieAt?: number }[];
}

/** What a process has noted. */
export type Note =
  & { runId: string; pid: number }
  & (
    | Effect & { type: "effect" }
    | { type: "began" }
    /** The run stands still, to die with the process. */
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
    const standing = standStill(this.#database, places, (runId, place) => {
      this.#note({ runId, type: "death", place });
    });
    const underWay: Promise<unknown>[] = [];
    for (const { runId } of runs) {
      this.#note({ runId, type: "began" });
      const stands = standing.stands(runId);
      const run = this.#run(runId);
      if (stands) await Promise.race([run, stands]);
      else underWay.push(run);
    }
    await Promise.all(underWay);
    if (standing.any) die();
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
const CHANGE = /write_journal|enqueue_run|epoch = epoch \+ 1|set status = \$3, always/;

/** Runs that stand still at a place of theirs. */
interface Standing {
  readonly any: boolean;
  /** Resolves when the run stands still; nothing for a run that has no place to. */
  stands(runId: string): Promise<void> | undefined;
}

/**
 * Makes runs stand still at a place: before each change of how they stand is one, and after it; where it is part of a
 * transaction, after its commit. A run in an open transaction would not let others stand still, so it dies at once.
 *
 * @param places For each run at which of its places, counted from 1.
 */
function standStill(
  database: Database,
  places: ReadonlyMap<string, number>,
  note: (runId: string, place: string) => void,
): Standing {
  const passed = new Map<string, number>();
  const arrivals = new Map([...places.keys()].map((runId) => [runId, Promise.withResolvers<void>()]));
  let any = false;
  const isHere = (runId: string, place: string) => {
    const count = (passed.get(runId) ?? 0) + 1;
    passed.set(runId, count);
    if (count !== places.get(runId)) return false;
    note(runId, place);
    return any = true;
  };
  const pass = async (runId: string, place: string) => {
    if (!isHere(runId, place)) return;
    arrivals.get(runId)?.resolve();
    await new Promise(() => {});
  };
  const original = underlyingDatabase(database);
  const query = original.query.bind(original);
  const transaction = original.transaction.bind(original);
  original.query = async (text, parameters = []) => {
    const [change] = CHANGE.exec(text) ?? [];
    if (change === undefined) return await query(text, parameters);
    const runId = String(parameters[0]);
    await pass(runId, `before ${change} ${parameters[3]}`);
    const rows = await query(text, parameters);
    await pass(runId, `after ${change} ${parameters[3]}`);
    return rows;
  };
  original.transaction = async (body) => {
    let runId: string | undefined;
    const result = await transaction((inner) =>
      body({
        script: (sql) => inner.script(sql),
        query: async (text, parameters = []) => {
          if (!CHANGE.test(text)) return await inner.query(text, parameters);
          runId = String(parameters[0]);
          if (isHere(runId, `in a transaction, before ${text}`)) die();
          return await inner.query(text, parameters);
        },
      })
    );
    if (runId !== undefined) await pass(runId, "after the commit of a transaction");
    return result;
  };
  return {
    get any() {
      return any;
    },
    stands: (runId) => arrivals.get(runId)?.promise,
  };
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
