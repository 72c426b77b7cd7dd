import {
  type AgentInputItem,
  isOpenAIResponsesCompactionAwareSession,
  isOpenAIResponsesCompactionOwnershipAwareSession,
  isRunContextAwareSession,
  type OpenAIResponsesCompactionAwareSession,
  type OpenAIResponsesCompactionOwnershipAwareSession,
  type OpenAIResponsesCompactionResult,
  type RunContext,
  type RunContextAwareSession,
  type Session,
} from "@openai/agents";
import { itemsToJson } from "../session/_stored_items.ts";
import { DatabaseSession, type DatabaseSessionOptions } from "../session/database_session.ts";
import { type PlainStep, runPlainStep } from "./recorded_step.ts";
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

/** What a session may be able to do beside what every session can. It gives the same again without being recorded. */
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

/** What the SDK passes to a session that accepts it. */
type Context = RunContext<unknown> | undefined;

/** A session that may be given the context; one that does not accept it is not. */
type WithContext =
  & Session
  & Pick<RunContextAwareSession, "getItems" | "addItems" | "popItem" | "clearSession">;

type Compacting = OpenAIResponsesCompactionAwareSession;

type Owned = Pick<
  OpenAIResponsesCompactionOwnershipAwareSession,
  "getItemsWithCompactionOwnership" | "addItemsWithCompactionOwnership"
>;

/** A session as a durable run sees it: what was read once is read again, and what was written is not written twice. */
export class DurableSession implements Session {
  /** Whether the session is to be given the run's context: the SDK looks for it. */
  readonly acceptsRunContext: boolean;
  readonly #session: Session;
  readonly #scope: Scope;
  /** Resolves when what was added last is committed. */
  #added: Promise<void> | undefined;

  constructor(session: Session, scope: Scope) {
    this.#session = session;
    this.#scope = scope;
    this.acceptsRunContext = isRunContextAwareSession(session);
    // The SDK finds out what a session can do by looking for the method.
    for (const name of ABILITIES) {
      const ability = session[name];
      if (ability) Object.assign(this, { [name]: ability.bind(session) });
    }
    for (const name of CHANGES) {
      const change: unknown = Reflect.get(session, name);
      if (typeof change === "function") {
        Object.assign(this, {
          [name]: (...parameters: [unknown, Context?]) =>
            this.#change(name, parameters[1], () => change.call(session, ...parameters)),
        });
      }
    }
    if (isOpenAIResponsesCompactionAwareSession(session)) {
      const compact: Compacting["runCompaction"] = (...parameters) =>
        this.#step(
          "compact",
          parameters[1],
          (recorded) => recorded as OpenAIResponsesCompactionResult | null,
          async () => await session.runCompaction(...parameters),
        );
      Object.assign(this, { runCompaction: compact });
    }
    if (isOpenAIResponsesCompactionOwnershipAwareSession(session)) {
      Object.assign(this, this.#compactionOwnership(session));
    }
  }

  /** The identifier of the session itself. */
  getSessionId(): Promise<string> {
    return this.#session.getSessionId();
  }

  getItems(...parameters: [limit?: number, context?: Context]): Promise<AgentInputItem[]> {
    const session: WithContext = this.#session;
    const decode = (recorded: unknown) => recorded as AgentInputItem[];
    return this.#step("read", parameters[1], decode, () => session.getItems(...parameters));
  }

  async addItems(...parameters: [items: AgentInputItem[], context?: Context]): Promise<void> {
    const session: WithContext = this.#session;
    if (session instanceof RunSession) this.#addOnce(parameters[0]);
    else await this.#change("add", parameters[1], () => session.addItems(...parameters));
  }

  popItem(...parameters: [context?: Context]): Promise<AgentInputItem | undefined> {
    const session: WithContext = this.#session;
    const decode = (recorded: unknown) => (recorded ?? undefined) as AgentInputItem | undefined;
    return this.#step("pop", parameters[0], decode, () => session.popItem(...parameters));
  }

  clearSession(...parameters: [context?: Context]): Promise<void> {
    const session: WithContext = this.#session;
    return this.#change("clear", parameters[0], () => session.clearSession(...parameters));
  }

  #change(name: string, context: Context, body: () => unknown): Promise<void> {
    return this.#step(name, context, () => {}, async () => void await body());
  }

  #step<T>(
    name: string,
    context: Context,
    decode: (recorded: unknown) => T,
    body: () => Promise<T>,
    encode: (result: T) => unknown = (result) => result,
  ): Promise<T> {
    const step: PlainStep<T> = {
      key: `session:${this.#scope.prefix}${name}`,
      kind: "session",
      name,
      ...(context ? { runContext: context } : {}),
      encode: (result) => encode(result) ?? null,
      decode,
    };
    return runPlainStep(this.#scope, step, async () => {
      await this.#added;
      return await body();
    });
  }

  /**
   * What a session can do beside that has its history compacted: it tells by a receipt, an object of its own, whether
   * somebody else has changed what the run has read. What was read in another process comes with a receipt that it does
   * not know, and it leaves the history as it is: then nobody can tell.
   */
  #compactionOwnership(session: OpenAIResponsesCompactionOwnershipAwareSession): Owned {
    const decode = (recorded: unknown) => ({ items: recorded as AgentInputItem[], ownership: {} });
    return {
      getItemsWithCompactionOwnership: (context) =>
        this.#step(
          "read",
          context,
          decode,
          () => session.getItemsWithCompactionOwnership(context),
          ({ items }) => items,
        ),
      addItemsWithCompactionOwnership: (items, ownership, context) =>
        this.#change(
          "add",
          context,
          () => session.addItemsWithCompactionOwnership(items, ownership, context),
        ),
    };
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
