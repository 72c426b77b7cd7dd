import type { EventEmitter } from "node:events";
import { DeferredSocket } from "../database/_deferred_socket.ts";
import { CONNECT_TIMEOUT_MS } from "../database/_postgres_socket.ts";
import { parsePostgresUri } from "../database/_postgres_uri.ts";
import { dbosLogger } from "./_logger.ts";
import type { Pool } from "./_pglite_pool.ts";

/** DBOS uses few connections at a time: its polls are short. Ours are a pool of their own. */
const POOL_SIZE = 4;

/**
 * Makes a pool for DBOS whose connections are encrypted as the URI says. `pg` itself would understand `sslmode`
 * differently: without it nothing is encrypted, and `require` verifies the certificate.
 *
 * @param uri Where the server is.
 */
export async function postgresPool(uri: string): Promise<Pool> {
  const address = parsePostgresUri(uri);
  const { default: pg } = await import("pg");
  const { user, password, database, settings } = address;
  const pool: Pool = new pg.Pool({
    stream: () => new DeferredSocket(address),
    ssl: false,
    max: POOL_SIZE,
    connectionTimeoutMillis: 2 * CONNECT_TIMEOUT_MS,
    // Where the URI says nothing it is as in our own connections.
    ...(user === "" ? {} : { user }),
    ...(password === "" ? {} : { password }),
    ...(database === "" ? {} : { database }),
    ...settings,
  });
  // Without a listener a connection that breaks while nobody uses it would end the process.
  pool.on("error", (error: Error) => dbosLogger.warn(`A connection of DBOS's broke: ${error.message}`));
  // And so would one that breaks between two statements: who uses it learns of it by the next.
  pool.on("connect", (client: EventEmitter) => client.on("error", () => {}));
  const end = pool.end.bind(pool);
  // `pg` forgets whoever waits for a connection when its pool ends: DBOS may still look what became of a run.
  pool.end = async () => {
    while (pool.waitingCount > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    await end();
  };
  return pool;
}
