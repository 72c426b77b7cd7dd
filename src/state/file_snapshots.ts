import { z } from "zod";
import { type Envelope, envelopeSchema } from "./envelope.ts";
import { RunStateMalformedError } from "./errors.ts";
import type { InterruptionFacts } from "./run_facts.ts";
import {
  absolutePath,
  assertLockable,
  readTextFile,
  realPath,
  withFileLock,
  writeTextFile,
} from "./_files.ts";
import type { RunEnd, SavedRun, Snapshot, Snapshots } from "./snapshots.ts";

/** A file holds the envelope and these, under the names of the database's columns; the state is JSON in JSON, last. */
const contentSchema = envelopeSchema.extend({
  run_id: z.string(),
  version: z.number().int(),
  status: z.enum(["interrupted", "completed", "cancelled"]),
  claimed_by: z.string().nullable(),
  state: z.looseObject({}),
});

type Content = Omit<z.output<typeof contentSchema>, "state"> & Pick<Envelope, "state">;

/** What comes before the state: nothing but a key looks like that, since in texts quotes are escaped. */
const BEFORE_STATE = /,\s*"state"\s*:\s*/;

/** A paused run in a file. It is written whole or not at all, by one process at a time. */
export class FileSnapshots implements Snapshots {
  readonly place: string;
  readonly #path: string;

  /**
   * @throws {TypeError} When the path is empty.
   * @throws {Error} Where files can't be locked, which would let two processes resume one run.
   */
  constructor(path: string) {
    if (path === "") throw new TypeError("Cannot keep runs in a file whose path is empty");
    assertLockable(path);
    this.#path = absolutePath(path);
    this.place = `in "${this.#path}"`;
  }

  async read(): Promise<{ run: SavedRun; envelope: Envelope } | null> {
    const content = await this.#read();
    // What has ended can be loaded when it was kept as such, not when it ended after it was loaded.
    const isThere = content?.status === "interrupted" ||
      content?.status === "completed" && content.claimed_by === null;
    if (!isThere) return null;
    const { run_id: runId, version, claimed_by: claim, status: _status, ...envelope } = content;
    return { run: { runId, version, claim }, envelope };
  }

  async replace(snapshot: Snapshot, held: SavedRun): Promise<SavedRun | null> {
    return await this.#locked(async (content) => {
      if (!content || content.status === "cancelled" || !isHeld(content, held)) return null;
      return await this.#save(snapshot, held.runId, held.version + 1);
    });
  }

  async add(snapshot: Snapshot, held: SavedRun | null): Promise<SavedRun | null> {
    return await this.#locked(async (content) => {
      if (content?.status === "interrupted" && !isHeld(content, held)) return null;
      return await this.#save(snapshot, crypto.randomUUID(), 1);
    });
  }

  async claim(run: SavedRun, claim: string, _decisions: InterruptionFacts[]): Promise<boolean> {
    return await this.#locked(async (content) => {
      const isAsSeen = content !== null && content.status !== "cancelled" && content.run_id === run.runId &&
        content.version === run.version && content.claimed_by === run.claim;
      if (isAsSeen) await this.#write({ ...content, claimed_by: claim });
      return isAsSeen;
    });
  }

  async settle(run: SavedRun, _end: RunEnd): Promise<boolean> {
    return await this.#locked(async (content) => {
      const isOurs = content !== null && content.status !== "cancelled" && isHeld(content, run);
      if (isOurs) await this.#write({ ...content, status: "completed" });
      return isOurs;
    });
  }

  async clear(): Promise<void> {
    await this.#locked(async (content) => {
      if (content) await this.#write({ ...content, status: "cancelled" });
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #save({ envelope, isEnded }: Snapshot, runId: string, version: number): Promise<SavedRun> {
    const status = isEnded ? "completed" : "interrupted";
    await this.#write({ run_id: runId, version, status, claimed_by: null, ...envelope });
    return { runId, version, claim: null };
  }

  async #locked<T>(body: (content: Content | null) => Promise<T>): Promise<T> {
    return await withFileLock(
      `${await realPath(this.#path)}.lock`,
      async () => await body(await this.#read()),
    );
  }

  async #read(): Promise<Content | null> {
    const text = await readTextFile(this.#path);
    if (text === null) return null;
    const content = contentSchema.safeParse(this.#parse(text));
    if (content.success) return { ...content.data, state: textOfState(text, content.data.state) };
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
    await writeTextFile(
      await realPath(this.#path),
      `${JSON.stringify(content).slice(0, -1)},"state":${state}}`,
    );
  }
}

/** The state as it was written: parsing and writing it again would change numbers that other languages wrote. */
function textOfState(file: string, parsed: unknown): string {
  const before = BEFORE_STATE.exec(file);
  const text = before ? file.slice(before.index + before[0].length, file.lastIndexOf("}")).trim() : "";
  const whole = JSON.stringify(parsed);
  try {
    if (JSON.stringify(JSON.parse(text)) === whole) return text;
  } catch {
    // The state is not the last key: somebody has put the file in another order.
  }
  return whole;
}

function isHeld(content: Content, held: SavedRun | null): boolean {
  return content.run_id === held?.runId && content.version === held.version &&
    (content.claimed_by === null || content.claimed_by === held.claim);
}
