import { z } from "zod";
import { underlyingDatabase } from "../database/_shared_database.ts";
import type { Database } from "../database/database.ts";
import { DatabaseReference, type DatabaseReferenceOptions } from "../database/database_reference.ts";
import { type Envelope, envelopeSchema } from "./envelope.ts";
import { RunStateMalformedError } from "./errors.ts";
import type { InterruptionFacts } from "./run_facts.ts";
import type { RunEnd, SavedRun, Snapshot, Snapshots } from "./snapshots.ts";

const savedSchema = z.object({ run_id: z.string(), version: z.number().int() });
const foundSchema = savedSchema.extend({ claimed_by: z.string().nullable() });

/** The paused run of an agent in a session, in the database. */
export class DatabaseSnapshots implements Snapshots {
  readonly place: string;
  readonly #agentName: string;
  readonly #sessionId: string | null;
  readonly #database: DatabaseReference;

  constructor(agentName: string, sessionId: string | null, options: DatabaseReferenceOptions) {
    this.#agentName = agentName;
    this.#sessionId = sessionId;
    this.#database = new DatabaseReference(options);
    this.place = `of agent "${agentName}"` + (sessionId === null ? "" : ` in session "${sessionId}"`);
  }

  async read(): Promise<{ run: SavedRun; envelope: Envelope } | null> {
    const [row] = await (await this.#database.get()).query(READ, [this.#agentName, this.#sessionId]);
    if (!row) return null;
    const { run_id: runId, version, claimed_by: claim } = foundSchema.parse(row);
    const envelope = envelopeSchema.safeParse(row);
    if (!envelope.success) {
      throw new RunStateMalformedError(
        `Cannot load the run "${runId}": its row in timestep.run_states is damaged.`,
        {
          cause: envelope.error,
        },
      );
    }
    return { run: { runId, version, claim }, envelope: envelope.data };
  }

  async replace(
    { envelope, isEnded, interruptions, usage }: Snapshot,
    held: SavedRun,
  ): Promise<SavedRun | null> {
    const { state, ...rest } = envelope;
    const [row] = await (await this.#database.get()).query(REPLACE, [
      this.#agentName,
      this.#sessionId,
      held.runId,
      held.version,
      held.claim,
      statusOf(isEnded),
      JSON.stringify(rest),
      state,
      JSON.stringify(interruptions),
      JSON.stringify(usage),
    ]);
    return row?.["saved"] === true ? { runId: held.runId, version: held.version + 1, claim: null } : null;
  }

  async add(snapshot: Snapshot, held: SavedRun | null): Promise<SavedRun | null> {
    const { agents, envelope: { state, ...rest }, isEnded, interruptions, usage } = snapshot;
    const database = await this.#database.get();
    const runId = crypto.randomUUID();
    const recorded = recordedIn(database);
    const [row] = await database.query(ADD, [
      runId,
      this.#agentName,
      this.#sessionId,
      agents.fingerprint,
      recorded.get(this.#agentName) === agents.fingerprint ? null : JSON.stringify(agents.definition),
      held?.runId ?? null,
      held?.version ?? null,
      held?.claim ?? null,
      statusOf(isEnded),
      JSON.stringify(rest),
      state,
      JSON.stringify(interruptions),
      JSON.stringify(usage),
    ]);
    if (row?.["saved"] !== true) return null;
    recorded.set(this.#agentName, agents.fingerprint);
    return { runId, version: 1, claim: null };
  }

  async claim(run: SavedRun, claim: string, decisions: InterruptionFacts[]): Promise<boolean> {
    const decided = decisions.filter(({ status }) => status !== "pending");
    const [row] = await (await this.#database.get()).query(
      "select timestep.claim_run_state($1, $2::int, $3, $4, $5) as claimed",
      [run.runId, run.version, run.claim, claim, JSON.stringify(decided)],
    );
    return row?.["claimed"] === true;
  }

  async settle(run: SavedRun, { finalOutput, usage }: RunEnd): Promise<boolean> {
    const [row] = await (await this.#database.get()).query(
      "select timestep.settle_run_state($1, $2::int, $3, $4, $5) as settled",
      [run.runId, run.version, run.claim, JSON.stringify(finalOutput) ?? null, JSON.stringify(usage)],
    );
    return row?.["settled"] === true;
  }

  async clear(): Promise<void> {
    await (await this.#database.get()).query(CLEAR, [this.#agentName, this.#sessionId]);
  }

  async close(): Promise<void> {
    await this.#database.close();
  }
}

const READ = "select * from timestep.find_run_state($1, $2)";

/** What has ended stays ended; what is paused or under way is cancelled, wherever it is. */
const CLEAR = `
with cleared as (
  update timestep.run_states s set cleared_at = now()
  from timestep.runs r
  where r.agent_name = $1 and coalesce(r.session_id, '') = coalesce($2, '') and r.state_version > 0
    and r.status in ('interrupted', 'running', 'completed') and s.run_id = r.run_id and s.cleared_at is null
  returning s.run_id
)
select timestep.cancel_run(run_id) from cleared`;

const ADD =
  "select timestep.add_run_state($1, $2, $3, $4, $5, $6, $7::int, $8, $9, $10, $11, $12, $13) as saved";

const REPLACE = "select timestep.replace_run_state($1, $2, $3, $4::int, $5, $6, $7, $8, $9, $10) as saved";

function statusOf(isEnded: boolean): string {
  return isEnded ? "completed" : "interrupted";
}

/** By agents' names, the fingerprint of the definition that was last seen to be in a database: it is not sent again. */
const recordedDefinitions = new WeakMap<Database, Map<string, string>>();

function recordedIn(database: Database): Map<string, string> {
  const underlying = underlyingDatabase(database);
  const recorded = recordedDefinitions.get(underlying) ?? new Map<string, string>();
  recordedDefinitions.set(underlying, recorded);
  return recorded;
}
