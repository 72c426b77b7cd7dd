import { testDatabases } from "../_databases.ts";
import { type ModelScript, OpenAIStandIn } from "../openai_stand_in/mod.ts";
import type { Surroundings } from "./_program.ts";

/** An empty directory, a stand-in for OpenAI and an empty database, all gone at the end. */
export interface FreshSurroundings extends Surroundings, AsyncDisposable {}

/** A database that programs are told of by the environment alone. */
export interface Engine {
  name: "pglite" | "postgres";
  surroundings(script?: ModelScript): Promise<FreshSurroundings>;
}

/** PGlite in a directory always, and Postgres where there is one. */
export function engines(): Engine[] {
  return testDatabases().map((target) => ({
    name: target.engine,
    async surroundings(script) {
      await using stack = new AsyncDisposableStack();
      const directory = await Deno.makeTempDir({ prefix: "timestep_seed_" });
      stack.defer(() => Deno.remove(directory, { recursive: true }));
      const openai = stack.use(new OpenAIStandIn(script ? { script } : {}));
      let database: Record<string, string> = { TIMESTEP_PGLITE_PATH: `${directory}/database` };
      if (target.engine === "postgres") {
        const fresh = stack.use(await target.create());
        database = { PG_CONNECTION_URI: fresh.connectionString };
      }
      const moved = stack.move();
      return { directory, openai, database, [Symbol.asyncDispose]: () => moved.disposeAsync() };
    },
  }));
}
