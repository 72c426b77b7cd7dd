/**
 * Serves requests, a thousand after a thousand, and prints after each thousand how many bytes are reachable: in a
 * process of its own, with `--v8-flags=--expose-gc`. The arguments are the connection string and how many thousands.
 *
 * @module
 */
import { setTracingDisabled } from "@openai/agents";
import { configureDBOS } from "../../mod.ts";
import { serveAgents } from "../../src/http/serve_agents.ts";
import { makeWorld } from "./_world.ts";

setTracingDisabled(true);
configureDBOS({ connectionString: Deno.args[0] });
const { assistant } = makeWorld();
const handler = serveAgents({
  agents: [assistant],
  authenticate: () => Promise.resolve({ kind: "service" }),
});

for (let thousand = 0; thousand < Number(Deno.args[1]); thousand++) {
  for (let done = 0; done < 1000; done += 16) await Promise.all(Array.from({ length: 4 }, fourRequests));
  console.log(reachableBytes());
}
Deno.exit();

/** A run, another as a stream, the first one's stream, and the agents. */
async function fourRequests(): Promise<void> {
  const asked = { model: assistant.name, input: "Hello" };
  const { id } = JSON.parse(await send("responses", asked));
  await send("responses", { ...asked, stream: true });
  await send(`responses/${id}?stream=true`);
  await send("models");
}

async function send(path: string, body?: unknown): Promise<string> {
  const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const response = await handler(new Request(`http://localhost/v1/${path}`, init));
  if (response.status !== 200) throw new Error(`${path} answers ${response.status}`);
  return await response.text();
}

function reachableBytes(): number {
  const collect: unknown = Reflect.get(globalThis, "gc");
  if (typeof collect !== "function") throw new Error("Start it with --v8-flags=--expose-gc");
  collect();
  collect();
  return Deno.memoryUsage().heapUsed;
}
