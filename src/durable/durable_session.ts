import type { AgentInputItem, Session } from "@openai/agents";
import { itemsToJson } from "../session/_stored_items.ts";
import { DatabaseSession, type DatabaseSessionOptions } from "../session/database_session.ts";
import { runPlainStep } from "./recorded_step.ts";
import type { Scope } from "./scope.ts";

/** The session of a run in the database that the run is recorded in: what the run adds to it is there exactly once. */
export class RunSession extends DatabaseSession {
  #isEmpty: boolean;

  /** @param options With whether it is known that nothing was said yet: then that need not be read. */
  constructor({ isEmpty, ...options }: DatabaseSessionOptions & { isEmpty: boolean }) {
    super(options);
    this.#isEmpty = isEmpty;
  }

  /** The conversation's items. What is known is told once: others may say something, too. */
  override async getItems(limit?: number): Promise<AgentInputItem[]> {
    if (!this.#isEmpty) return await super.getItems(limit);
    this.#isEmpty = false;
    return [];
  }
}

/** What a session may be able to do beside what every session can. */
type Ability = Pick<
  Session,
  | "prepareHistoryItemForModelInput"
  | "prepareHistoryItemsForPersistenceComparison"
  | "preserveReasoningItemIdsForPersistence"
>;

const ABILITIES = [
  "prepareHistoryItemForModelInput",
  "prepareHistoryItemsForPersistenceComparison",
  "preserveReasoningItemIdsForPersistence",
] satisfies (keyof Ability)[];

/** Changes of a session's history, beside adding to it. They give nothing. */
const CHANGES = ["replaceHistoryWithCompaction", "applyHistoryMutations", "applyHistoryTransaction"] as const;

/** A session as a durable run sees it: what was read once is read again, and what was written is not written twice. */
export class DurableSession implements Session {
  readonly #session: Session;
  readonly #scope: Scope;
  /** Resolves when what was added last is committed. */
  #added: Promise<void> | undefined;

  constructor(session: Session, scope: Scope) {
    this.#session = session;
    this.#scope = scope;
    // The SDK finds out what a session can do by looking for the method.
    for (const name of ABILITIES) {
      const ability = session[name];
      if (ability) Object.assign(this, { [name]: ability.bind(session) });
    }
    for (const name of CHANGES) {
      const change: unknown = Reflect.get(session, name);
      if (typeof change === "function") {
        Object.assign(this, {
          [name]: (parameter: unknown) => this.#change(name, () => change.call(session, parameter)),
        });
      }
    }
  }

  /** The identifier of the session itself. */
  getSessionId(): Promise<string> {
    return this.#session.getSessionId();
  }

  getItems(limit?: number): Promise<AgentInputItem[]> {
    return this.#step(
      "read",
      (recorded) => recorded as AgentInputItem[],
      () => this.#session.getItems(limit),
    );
  }

  async addItems(items: AgentInputItem[]): Promise<void> {
    const session = this.#session;
    if (session instanceof RunSession) this.#addOnce(items);
    else await this.#change("add", () => session.addItems(items));
  }

  popItem(): Promise<AgentInputItem | undefined> {
    const decode = (recorded: unknown) => (recorded ?? undefined) as AgentInputItem | undefined;
    return this.#step("pop", decode, () => this.#session.popItem());
  }

  clearSession(): Promise<void> {
    return this.#change("clear", () => this.#session.clearSession());
  }

  #change(name: string, body: () => unknown): Promise<void> {
    return this.#step(name, () => {}, async () => void await body());
  }

  #step<T>(name: string, decode: (recorded: unknown) => T, body: () => Promise<T>): Promise<T> {
    const key = `session:${this.#scope.prefix}${name}`;
    const encode = (result: T) => result ?? null;
    return runPlainStep(this.#scope, { key, kind: "session", name, encode, decode }, async () => {
      await this.#added;
      return await body();
    });
  }

  /**
   * The items and the record that they were added stand or fall together. Nothing waits for them but who uses the
   * session next: they are written in their turn, and what follows from them after them.
   */
  #addOnce(items: AgentInputItem[]): void {
    const { execution, prefix } = this.#scope;
    const key = this.#scope.unique(`session:${prefix}add`);
    if (execution.take(key)) return;
    this.#added = execution.record({
      key,
      kind: "session",
      status: "completed",
      name: "add",
      output: "null",
      items: itemsToJson(items),
    });
  }
}
