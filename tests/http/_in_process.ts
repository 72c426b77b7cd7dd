import OpenAI from "openai";
import {
  configureDBOS,
  type Database,
  serveAgents,
  type ServeAgentsOptions,
  shutdownDBOS,
} from "../../mod.ts";
import { type TestDatabase, testDatabases } from "../_databases.ts";

/** Serves to the service itself, without a socket. */
export type Serve = (options: ServeAgentsOptions) => OpenAI;

/** One test for each engine, of agents that are served in this process. */
export function inProcessTest(name: string, body: (serve: Serve, database: Database) => Promise<void>): void {
  for (const target of testDatabases()) {
    Deno.test(`${name} [${target.engine}]`, () => serveWithin(target, body));
  }
}

async function serveWithin(
  target: TestDatabase,
  body: (serve: Serve, database: Database) => Promise<void>,
): Promise<void> {
  await using fresh = await target.create({ withDBOS: true });
  configureDBOS({ connectionString: fresh.connectionString });
  const serve = (options: ServeAgentsOptions) => {
    const handler = serveAgents({ authenticate: () => Promise.resolve({ kind: "service" }), ...options });
    return new OpenAI({
      apiKey: "x",
      baseURL: "http://localhost/v1",
      maxRetries: 0,
      fetch: (input, init) => handler(new Request(input, init)),
    });
  };
  try {
    await body(serve, fresh.database);
  } finally {
    await shutdownDBOS();
    configureDBOS({});
  }
}
