import type { Transaction } from "./database.ts";
import { DatabaseError } from "./database_error.ts";

/**
 * What both engines owe a transaction's body: no statement after the end (the connection may be somebody
 * else's by then), and no commit after a statement that failed.
 */
export class TransactionScope {
  #ended = false;
  #failure: { error: unknown } | null = null;

  /**
   * Runs the body.
   *
   * @param inner The engine's transaction.
   * @param body Is given the guarded transaction.
   * @returns What `body` resolved to.
   */
  async run<T>(inner: Transaction, body: (transaction: Transaction) => Promise<T>): Promise<T> {
    const value = await body({
      query: (text, parameters) => this.#guard(() => inner.query(text, parameters)),
      script: (sql) => this.#guard(() => inner.script(sql)),
    });
    if (this.#failure !== null) throw this.#failure.error;
    return value;
  }

  /** The transaction was committed or rolled back, or its connection is gone. */
  end(): void {
    this.#ended = true;
  }

  async #guard<T>(statement: () => Promise<T>): Promise<T> {
    if (this.#ended) {
      throw new DatabaseError(
        "closed",
        "Cannot use the transaction: it has ended. Await every statement in it.",
      );
    }
    if (this.#failure !== null) throw this.#failure.error;
    try {
      return await statement();
    } catch (error) {
      this.#failure ??= { error };
      throw error;
    }
  }
}
