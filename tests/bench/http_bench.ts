import { Agent, setTracingDisabled } from "@openai/agents";
import {
  configureDBOS,
  DatabaseSession,
  ensureDBOSLaunched,
  runAgentWorkflow,
  shutdownDBOS,
} from "../../mod.ts";
import { serveAgents } from "../../src/http/mod.ts";
import { testDatabases } from "../_databases.ts";
import { ScriptedTurns } from "./_durable_agent.ts";
import type { ProcessUsage } from "./_http_server.ts";
import { compare, judge, quantile } from "./_ratio.ts";
import { serve, type Served } from "../_served.ts";

const SERVER = new URL("_http_server.ts", import.meta.url).pathname;
const MEGABYTE = 2 ** 20;

/** What the HTTP side costs: a request beside the run itself, many readers of streams, processor time of a run. */
export async function bench(): Promise<void> {
  setTracingDisabled(true);
  for (const target of testDatabases()) {
    await using fresh = await target.create();
    configureDBOS({ connectionString: fresh.connectionString });
    await ensureDBOSLaunched();
    await benchOverhead(target.engine, fresh.connectionString);
    await shutdownDBOS();
    configureDBOS({});
    if (target.engine === "pglite") continue;
    await benchReaders(fresh.connectionString, 1);
    await benchReaders(fresh.connectionString, 20);
    await benchProcessorTime(fresh.connectionString);
  }
}

/**
 * A run without tools, by function and by request: the server's part alone, one after the other, as often as it takes
 * until what only requests need is as warm as what all do. Then with a connection, and what its client takes, which is
 * in this process, too.
 */
async function benchOverhead(engine: string, connectionString: string): Promise<void> {
  const agent = new Agent({ name: `Bench on ${engine}`, model: new ScriptedTurns(0) });
  const handler = serveAgents({
    agents: [agent],
    authenticate: () => Promise.resolve({ kind: "service" }),
  });
  const post = async (origin: string, send: (request: Request) => Promise<Response>) => {
    const response = await send(
      new Request(`${origin}/v1/responses`, {
        method: "POST",
        body: JSON.stringify({ model: agent.name, input: "Go." }),
      }),
    );
    const { status } = await response.json();
    if (status !== "completed") throw new Error(`The response is ${status}`);
  };
  const run = { name: "runAgentWorkflow", run: () => runAgentWorkflow({ agent, inputItems: "Go." }) };
  const [direct, , request] = await compare(`A run without tools, ${engine}`, [
    run,
    { name: "runAgentWorkflow, with a session", run: () => withSession(agent, connectionString) },
    { name: "POST /v1/responses", target: 1.3, run: () => post("http://localhost", handler) },
  ], { rounds: 200, warmUps: 100 });
  const added = (request?.milliseconds ?? NaN) - (direct?.milliseconds ?? NaN);
  console.log(`  Added by the request: ${judge(added, 5, "ms")}`);
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, handler);
  const origin = `http://127.0.0.1:${server.addr.port}`;
  await compare(`The same over HTTP, each when the one before has left nothing to do, ${engine}`, [
    { name: run.name, run: () => settled(run.run) },
    {
      name: "POST /v1/responses, the server's part",
      run: () => settled(() => post("http://localhost", handler)),
    },
    { name: "POST /v1/responses", run: () => settled(() => post(origin, fetch)) },
  ], { rounds: 100, warmUps: 50 });
}

/** What a run leaves behind it, DBOS does while who waited for the run goes on. */
async function settled(run: () => Promise<unknown>): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 5));
  const start = performance.now();
  await run();
  return performance.now() - start;
}

/** What every response has, so that another can go on from it. */
async function withSession(agent: Agent, connectionString: string): Promise<void> {
  const session = new DatabaseSession({ connectionString });
  await runAgentWorkflow({ agent, inputItems: "Go.", session });
  await session.close();
}

const READERS = 200;

/** How late tokens come when many read, and what that takes. */
async function benchReaders(connectionString: string, runs: number): Promise<void> {
  // V8's share of the 256 MB that a function of Supabase's may use.
  const flags = ["run", "-A", "--no-check", "--v8-flags=--max-old-space-size=128"];
  await using server = await serve([...flags, SERVER, connectionString]);
  const { origin } = server;
  const before = await usageOf(server);
  const ids = await Promise.all(Array.from({ length: runs }, async () => {
    const body = { model: "Clock", input: "What time is it?", background: true };
    const created = await fetch(`${origin}/v1/responses`, { method: "POST", body: JSON.stringify(body) });
    return String((await created.json()).id);
  }));
  const tokens: { sentAt: number; delay: number }[] = [];
  let connectedAt = 0;
  let largest = before;
  const watch = setInterval(async () => {
    const now = await usageOf(server);
    if (now.rss > largest.rss) largest = now;
  }, 250);
  await Promise.all(Array.from({ length: READERS }, async (_, reader) => {
    const response = await fetch(`${origin}/v1/responses/${ids[reader % runs]}?stream=true`);
    connectedAt = Date.now();
    for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const now = Date.now();
      for (const [, sentAt] of text.matchAll(/"delta":"(\d+) "/g)) {
        tokens.push({ sentAt: Number(sentAt), delay: now - Number(sentAt) });
      }
    }
  }));
  // What was sent before the last of them had come was late for some of them anyway.
  const delays = tokens.filter(({ sentAt }) => sentAt >= connectedAt).map(({ delay }) => delay);
  clearInterval(watch);
  const after = await usageOf(server);
  console.log(
    `\n${READERS} readers of ${runs} runs on Postgres: ${delays.length} tokens after the last one came, of ${tokens.length}
  delay of a token: p50 ${quantile(delays, 0.5).toFixed(0)} ms, p95 ${
      judge(quantile(delays, 0.95), 150, "ms")
    }
  resident memory: ${judge(largest.rss / MEGABYTE, 256, "MB")}, before: ${
      (before.rss / MEGABYTE).toFixed(0)
    } MB
  processor time: ${(after.cpuMs - before.cpuMs).toFixed(0)} ms`,
  );
}

/** What a run of 20 turns with 2 tools each takes of the 2 s that Supabase gives a request. */
async function benchProcessorTime(connectionString: string): Promise<void> {
  await using server = await serve(["run", "-A", "--no-check", SERVER, connectionString]);
  const times: number[] = [];
  for (let round = 0; round < 9; round++) {
    const before = await usageOf(server);
    const response = await fetch(`${server.origin}/add`);
    const { status } = await response.json();
    if (status !== "completed") throw new Error(`The run is ${status}`);
    times.push((await usageOf(server)).cpuMs - before.cpuMs);
  }
  console.log(
    `\nProcessor time of 20 turns x 2 tools on Postgres: ${
      judge(quantile(times.slice(1), 0.5), 2000, "ms")
    }, ` +
      `the first, which loads everything: ${judge(times[0] ?? NaN, 2000, "ms")}`,
  );
}

async function usageOf({ origin }: Served): Promise<ProcessUsage> {
  return await (await fetch(`${origin}/usage`)).json();
}
