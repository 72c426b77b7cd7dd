/**
 * Serves the test's agents in a process of its own, until its input ends: `deno run -A _served.ts OPTIONS`, which are
 * JSON. The first line that it writes is its address.
 *
 * @module
 */
import { configureDBOS } from "../../mod.ts";
import { authenticator } from "../../src/http/authenticate.ts";
import { serveAgents } from "../../src/http/serve_agents.ts";
import { openDatabase } from "../../src/database/open_database.ts";
import { makeWorld } from "./_world.ts";

const { connectionString, suffix, limits, hs256Secret } = JSON.parse(Deno.args[0] ?? "{}");
configureDBOS({ connectionString, heartbeatSeconds: 0.1, executorTimeoutSeconds: 2 });
const world = makeWorld(suffix);
const database = await openDatabase({ connectionString });
const handler = serveAgents({
  agents: [world.assistant, world.clerk],
  limits,
  authenticate: authenticator({
    database: () => Promise.resolve(database),
    serviceSecrets: [],
    cronSecrets: [],
    jwt: { hs256Secret },
  }),
});
Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.log(`http://127.0.0.1:${port}/v1`),
}, handler);
await Deno.stdin.readable.pipeTo(new WritableStream());
Deno.exit();
