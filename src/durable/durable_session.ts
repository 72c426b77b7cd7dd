import type { AgentInputItem, Session } from "@openai/agents";
import { runPlainStep } from "./recorded_step.ts";
import type { Scope } from "./scope.ts";

/** A session as a durable run sees it: what was read once is read again, and what was written is not written twice. */
export class DurableSession implements Session {
  readonly #session: Session;
  readonly #scope: Scope;

  constructor(session: Session, scope: Scope) {
    this.#session = session;
    this.#scope = scope;
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

  addItems(items: AgentInputItem[]): Promise<void> {
    return this.#step("add", () => {}, () => this.#session.addItems(items));
  }

  popItem(): Promise<AgentInputItem | undefined> {
    const decode = (recorded: unknown) => (recorded ?? undefined) as AgentInputItem | undefined;
    return this.#step("pop", decode, () => this.#session.popItem());
  }

  clearSession(): Promise<void> {
    return this.#step("clear", () => {}, () => this.#session.clearSession());
  }

  #step<T>(name: string, decode: (recorded: unknown) => T, body: () => Promise<T>): Promise<T> {
    const key = `session:${this.#scope.prefix}${name}`;
    const encode = (result: T) => result ?? null;
    return runPlainStep(this.#scope, { key, kind: "session", name, encode, decode }, body);
  }
}
