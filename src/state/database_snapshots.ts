import { z } from "zod";
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

  async replace(snapshot: Snapshot, held: SavedRun): Promise<SavedRun | null> {
    return await this.#write(snapshot, held, null);
  }

  async add(snapshot: Snapshot, held: SavedRun | null): Promise<SavedRun | null> {
    return await this.#write(snapshot, held, crypto.randomUUID());
  }

  async #write(
    { agents, envelope, isEnded, interruptions, usage }: Snapshot,
    held: SavedRun | null,
    newRunId: string | null,
  ): Promise<SavedRun | null> {
    const { state, ...rest } = envelope;
    const request = {
      ...rest,
      runStatus: isEnded ? "completed" : "interrupted",
      isOtherRun: newRunId !== null,
      agentFingerprint: agents.fingerprint,
      agentDefinition: JSON.stringify(agents.definition),
    };
    const [row] = await (await this.#database.get()).query(WRITE, [
      this.#agentName,
      this.#sessionId,
      held?.runId ?? null,
      held?.version ?? null,
      held?.claim ?? null,
      newRunId,
      JSON.stringify(request),
      state,
      JSON.stringify(interruptions),
      JSON.stringify(usage),
    ]);
    if (!row) return null;
    const { run_id: runId, version } = savedSchema.parse(row);
    return { runId, version, claim: null };
  }

  async claim(run: SavedRun, claim: string, decisions: InterruptionFacts[]): Promise<boolean> {
    const decided = decisions.filter(({ status }) => status !== "pending");
    const [row] = await (await this.#database.get()).query(
      "select timestep.claim_run_state($1, $2::int, $3, $4, $5::text::json) as claimed",
      [run.runId, run.version, run.claim, claim, JSON.stringify(decided)],
    );
    return row?.["claimed"] === true;
  }

  async settle(run: SavedRun, { finalOutput, usage }: RunEnd): Promise<boolean> {
    const [row] = await (await this.#database.get()).query(
      "select timestep.settle_run_state($1, $2::int, $3, $4::text::json, $5::text::json) as settled",
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

const WRITE = `
select run_id, version from timestep.save_run_state(
  $1, $2, $3, $4::int, $5, $6, $7::text::json, $8, $9::text::json, $10::text::json
)`;
