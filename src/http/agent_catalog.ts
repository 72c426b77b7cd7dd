import type { AnyAgent } from "../run/types.ts";

/** An agent that is loaded when it is first needed, so that other requests don't wait for the Agents SDK. */
export interface LazyAgent {
  /** The agent's name. */
  name: string;
  /** Loads it: by a dynamic import of its module. */
  load(): Promise<AnyAgent>;
}

/** The agents that are served, by name. */
export class AgentCatalog {
  readonly #entries: ReadonlyMap<string, AnyAgent | LazyAgent>;
  readonly #loaded = new Map<string, Promise<AnyAgent>>();

  /** @throws {TypeError} When there are no agents, or two of one name. */
  constructor(agents: readonly (AnyAgent | LazyAgent)[]) {
    this.#entries = new Map(agents.map((agent) => [agent.name, agent]));
    if (agents.length === 0) throw new TypeError("Cannot serve agents: there are none. Pass one.");
    if (this.#entries.size < agents.length) {
      throw new TypeError("Cannot serve agents: two of them have one name. Rename one.");
    }
  }

  /** The agents' names, in the order given. */
  get names(): string[] {
    return [...this.#entries.keys()];
  }

  /** Loads all agents: a process that executes runs has to know every one. */
  async loadAll(): Promise<AnyAgent[]> {
    return await Promise.all(this.names.map((name) => this.#load(name)));
  }

  #load(name: string): Promise<AnyAgent> {
    const entry = this.#entries.get(name);
    if (!entry) return Promise.reject(new TypeError(`Cannot load agent "${name}": it is not served.`));
    if (!("load" in entry)) return Promise.resolve(entry);
    let loading = this.#loaded.get(name);
    if (!loading) {
      loading = loadChecked(entry);
      loading.catch(() => this.#loaded.delete(name));
      this.#loaded.set(name, loading);
    }
    return loading;
  }
}

async function loadChecked({ name, load }: LazyAgent): Promise<AnyAgent> {
  const agent = await load();
  if (agent.name === name) return agent;
  throw new TypeError(
    `Cannot serve agent "${name}": what was loaded is called "${agent.name}". Use one name.`,
  );
}
