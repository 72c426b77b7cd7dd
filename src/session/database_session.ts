import { applySessionHistoryMutations } from "@openai/agents";
import type {
  AgentInputItem,
  SessionHistoryRewriteArgs,
  SessionHistoryRewriteAwareSession,
  SessionHistoryTransactionArgs,
  SessionHistoryTransactionAwareSession,
} from "../core/package_types.ts";
import type { Queryable } from "../database/database.ts";
import { DatabaseReference, type DatabaseReferenceOptions } from "../database/database_reference.ts";
import { assertStorableName } from "../database/storable_name.ts";
import { applyTransaction } from "./_history_transaction.ts";
import { appendItems, lockSession, readItems, takeItems } from "./_stored_items.ts";

/** Which conversation a {@linkcode DatabaseSession} is, and where it is kept. */
export interface DatabaseSessionOptions extends DatabaseReferenceOptions {
  /** The conversation's identifier. Default: a new one. */
  sessionId?: string | undefined;
}

/**
 * A conversation in the database: a session of the Agents SDK whose items are rows that are added, in order, however
 * many processes write at once. Adding costs the same whatever the length of the conversation.
 *
 * @example
 * ```ts
 * import { DatabaseSession } from "@timestep-ai/timestep";
 *
 * await using session = new DatabaseSession({ sessionId: "weather", connectionString: "pglite:memory" });
 * await session.addItems([{ role: "user", content: "What's 2+2?" }]);
 * console.log((await session.getItems()).length); // 1
 * ```
 */
export class DatabaseSession
  implements SessionHistoryTransactionAwareSession, SessionHistoryRewriteAwareSession, AsyncDisposable {
  readonly #sessionId: string;
  readonly #database: DatabaseReference;

  /**
   * Nothing is opened or written before the session is used.
   *
   * @param options Which conversation, and where it is kept.
   * @throws {TypeError} When the identifier is empty or can't be stored, or both `database` and `connectionString` are
   * given, or something else than options is given, such as the identifier itself.
   */
  constructor(options: DatabaseSessionOptions = {}) {
    // Where types are not checked, a text would be taken for no options, and a new conversation be begun.
    if (typeof options !== "object" || options === null) {
      throw new TypeError(
        "Cannot make a session: give its identifier as { sessionId }, or nothing for a new one",
      );
    }
    if (options.sessionId !== undefined) assertStorableName("sessionId", options.sessionId);
    this.#sessionId = options.sessionId ?? crypto.randomUUID();
    this.#database = new DatabaseReference(options);
  }

  /** The conversation's identifier. */
  getSessionId(): Promise<string> {
    return Promise.resolve(this.#sessionId);
  }

  /**
   * The conversation's items, oldest first.
   *
   * @param limit Only the last that many. Default: all.
   * @throws {RangeError} When `limit` is no whole number.
   * @throws {SessionHistoryError} `session_item_malformed`.
   */
  async getItems(limit?: number): Promise<AgentInputItem[]> {
    if (limit !== undefined && !Number.isSafeInteger(limit)) {
      throw new RangeError(`Cannot read the items of a session: limit is ${limit}, not a whole number`);
    }
    if (limit !== undefined && limit <= 0) return [];
    return await readItems(await this.#database.get(), this.#sessionId, limit ?? null);
  }

  /**
   * Adds items at the end: all of them, together, or none.
   *
   * @throws {TypeError} When something is not an item, or holds what JSON cannot: binary data, a bigint.
   */
  async addItems(items: AgentInputItem[]): Promise<void> {
    await appendItems(await this.#database.get(), this.#sessionId, items);
  }

  /** Adds items in a transaction of the caller's on the same database, so that they stand or fall with it. */
  async addItemsWithin(transaction: Queryable, items: AgentInputItem[]): Promise<void> {
    await appendItems(transaction, this.#sessionId, items);
  }

  /** Removes the last item and returns it; `undefined` when there is none. */
  async popItem(): Promise<AgentInputItem | undefined> {
    return await this.#change(async (transaction) => (await takeItems(transaction, this.#sessionId, 1))[0]);
  }

  /** Removes all items. The session itself stays. */
  async clearSession(): Promise<void> {
    await this.#change((transaction) => clear(transaction, this.#sessionId));
  }

  /** Puts items in the place of all there were, at once. */
  async replaceHistoryWithCompaction(items: AgentInputItem[]): Promise<void> {
    await this.#change(async (transaction) => {
      await transaction.query("delete from timestep.session_items where session_id = $1", [this.#sessionId]);
      await appendItems(transaction, this.#sessionId, items);
    });
  }

  /** Rewrites stored items, as the SDK does with calls whose arguments a person has changed. */
  async applyHistoryMutations({ mutations }: SessionHistoryRewriteArgs): Promise<void> {
    if (mutations.length === 0) return;
    await this.#change(async (transaction) => {
      const items = await readItems(transaction, this.#sessionId, null);
      await transaction.query("delete from timestep.session_items where session_id = $1", [this.#sessionId]);
      await appendItems(transaction, this.#sessionId, applySessionHistoryMutations(items, mutations));
    });
  }

  /**
   * Changes the history once for each `operationId`: the same change again does nothing.
   *
   * @throws {SessionHistoryError} `session_operation_reused` or `session_suffix_changed`; nothing is changed then.
   */
  async applyHistoryTransaction(
    { operationId, transaction: change }: SessionHistoryTransactionArgs,
  ): Promise<void> {
    assertStorableName("operationId", operationId);
    await this.#change((transaction) => applyTransaction(transaction, this.#sessionId, operationId, change));
  }

  /** Closes the database if the session opened it. */
  async close(): Promise<void> {
    await this.#database.close();
  }

  /** Closes the session at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #change<T>(body: (transaction: Queryable) => Promise<T>): Promise<T> {
    const database = await this.#database.get();
    return await database.transaction(async (transaction) => {
      await lockSession(transaction, this.#sessionId);
      return await body(transaction);
    });
  }
}

async function clear(transaction: Queryable, sessionId: string): Promise<void> {
  await transaction.query("delete from timestep.session_items where session_id = $1", [sessionId]);
  await transaction.query("delete from timestep.session_operations where session_id = $1", [sessionId]);
}
