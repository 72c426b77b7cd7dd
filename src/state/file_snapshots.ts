import { z } from "zod";
import { type Envelope, envelopeSchema } from "./envelope.ts";
import { RunStateMalformedError } from "./errors.ts";
import type { InterruptionFacts } from "./run_facts.ts";
import { readTextFile, withFileLock, writeTextFile } from "./_files.ts";
import type { SavedRun, Snapshot, Snapshots } from "./snapshots.ts";

/** A file holds the envelope and these, under the names of the database's columns; the state is JSON in JSON. */
const contentSchema = envelopeSchema.extend({
  run_id: z.string(),
  version: z.number().int(),
  status: z.enum(["interrupted", "completed", "cancelled"]),
  claimed_by: z.string().nullable(),
  state: z.record(z.string(), z.unknown()).transform((state) => JSON.stringify(state)),
});

type Content = z.output<typeof contentSchema>;

/** A paused run in a file. It is written whole or not at all, by one process at a time. */
export class FileSnapshots implements Snapshots {
  readonly place: string;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
    this.place = `in "${path}"`;
  }

  async read(): Promise<{ run: SavedRun; envelope: Envelope } | null> {
    const content = await this.#read();
    if (content?.status !== "interrupted") return null;
    const { run_id: runId, version, claimed_by: claim, status: _status, ...envelope } = content;
    return { run: { runId, version, claim }, envelope };
  }

  async write({ envelope }: Snapshot, held: SavedRun | null): Promise<SavedRun | null> {
    return await this.#locked(async (content) => {
      const paused = content?.status === "interrupted" ? content : null;
      if (paused && !isHeld(paused, held)) return null;
      const run = {
        runId: paused?.run_id ?? crypto.randomUUID(),
        version: (paused?.version ?? 0) + 1,
        claim: null,
      };
      await this.#write({
        ...envelope,
        run_id: run.runId,
        version: run.version,
        status: "interrupted",
        claimed_by: null,
      });
      return run;
    });
  }

  async claim(run: SavedRun, claim: string, _decisions: InterruptionFacts[]): Promise<boolean> {
    return await this.#locked(async (content) => {
      const isAsSeen = content?.status === "interrupted" && content.run_id === run.runId &&
        content.version === run.version && content.claimed_by === run.claim;
      if (isAsSeen) await this.#write({ ...content, claimed_by: claim });
      return isAsSeen;
    });
  }

  async settle(run: SavedRun): Promise<void> {
    await this.#end("completed", run);
  }

  async clear(): Promise<void> {
    await this.#end("cancelled");
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #end(status: "completed" | "cancelled", run?: SavedRun): Promise<void> {
    await this.#locked(async (content) => {
      if (content?.status !== "interrupted" || (run && !isHeld(content, run))) return;
      await this.#write({ ...content, status });
    });
  }

  async #locked<T>(body: (content: Content | null) => Promise<T>): Promise<T> {
    return await withFileLock(`${this.#path}.lock`, async () => await body(await this.#read()));
  }

  async #read(): Promise<Content | null> {
    const text = await readTextFile(this.#path);
    if (text === null) return null;
    const content = contentSchema.safeParse(this.#parse(text));
    if (content.success) return content.data;
    throw new RunStateMalformedError(
      `Cannot load the run ${this.place}: the file is not one that a RunStateStore wrote, or it is damaged (at ` +
        `"${content.error.issues[0]?.path.join(".")}").`,
      { cause: content.error },
    );
  }

  #parse(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new RunStateMalformedError(
        `Cannot load the run ${this.place}: the file is not JSON. It is damaged.`,
        {
          cause,
        },
      );
    }
  }

  async #write({ state, ...content }: Content): Promise<void> {
    await writeTextFile(this.#path, `${JSON.stringify(content).slice(0, -1)},"state":${state}}`);
  }
}

function isHeld(content: Content, held: SavedRun | null): boolean {
  return content.run_id === held?.runId && content.version === held.version &&
    (content.claimed_by === null || content.claimed_by === held.claim);
}
