import type { Agent } from "@openai/agents";
import { RunStateStore } from "@timestep-ai/timestep";
import type { TestDatabase } from "../_databases.ts";

/** A kind of place where runs are kept. */
export interface StoreTarget {
  readonly name: string;
  create(): Promise<Place>;
}

/** An empty place for one paused run. */
export interface Place extends AsyncDisposable {
  /** A store that knows nothing yet, as the one of another process would. */
  store(agent: Agent): RunStateStore<Agent>;
  /** Everything that is stored of the run, to be compared. */
  stored(): Promise<string>;
  /** Changes what is stored: names as in the envelope, `state` as JSON text. */
  tamper(changes: Record<string, string>): Promise<void>;
  /** The state that is stored, as text. */
  state(): Promise<string>;
}

/** A run in the database. */
export function databaseTarget({ engine, create }: TestDatabase): StoreTarget {
  return {
    name: engine,
    async create() {
      const fresh = await create();
      const { database } = fresh;
      return {
        store: (agent) => new RunStateStore({ agent, sessionId: "s", database }),
        async stored() {
          const tables = ["runs", "run_states", "interruptions", "usage"];
          const rows = tables.map((table) =>
            database.query(`select t::text from timestep.${table} t order by 1`)
          );
          return JSON.stringify(await Promise.all(rows));
        },
        async tamper(changes) {
          for (const [column, value] of Object.entries(changes)) {
            const type = ["state", "agent_graph"].includes(column) ? "json" : "text";
            await database.query(`update timestep.run_states set ${column} = $1::text::${type}`, [value]);
          }
        },
        async state() {
          const [row] = await database.query(
            "select state::text from timestep.run_states order by created_at desc limit 1",
          );
          return String(row?.state);
        },
        [Symbol.asyncDispose]: () => fresh[Symbol.asyncDispose](),
      };
    },
  };
}

/** A run in a file. */
export const fileTarget: StoreTarget = {
  name: "file",
  async create() {
    const directory = await Deno.makeTempDir({ prefix: "timestep-state-" });
    const path = `${directory}/state.json`;
    return {
      store: (agent) => new RunStateStore(path, agent),
      stored: () => Deno.readTextFile(path),
      async tamper(changes) {
        const { state: before, ...rest } = JSON.parse(await Deno.readTextFile(path));
        const { state = JSON.stringify(before), agent_graph: graph, ...others } = changes;
        const text = JSON.stringify({
          ...rest,
          ...others,
          ...(graph ? { agent_graph: JSON.parse(graph) } : {}),
        });
        await Deno.writeTextFile(path, `${text.slice(0, -1)},"state":${state}}`);
      },
      async state() {
        return JSON.stringify(JSON.parse(await Deno.readTextFile(path)).state);
      },
      [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
    };
  },
};
