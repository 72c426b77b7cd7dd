import { Agent } from "@openai/agents";
import { assertEquals } from "@std/assert";
import { configureDBOS, getRun, shutdownDBOS } from "../../mod.ts";
import { authenticator } from "../../src/http/authenticate.ts";
import { serveWorker } from "../../src/http/serve_worker.ts";
import { dispatchDatabase } from "../../src/workflows/_database.ts";
import { DIRECT_QUEUE } from "../../src/workflows/_dispatch.ts";
import { startRun } from "../../src/workflows/_start_run.ts";
import { testDatabases } from "../_databases.ts";
import { makeWorld } from "../http/_world.ts";
import { EXTENSIONS } from "../supabase/_extensions.ts";

const SECRETS = `
select vault.create_secret('http://localhost/functions/v1/worker', 'timestep_worker_url');
select vault.create_secret('cron', 'timestep_dispatch_key')`;

for (const target of testDatabases()) {
  Deno.test(`serveWorker() executes what waits when pg_net wakes it [${target.engine}]`, async () => {
    await using fresh = await target.create();
    const { database } = fresh;
    configureDBOS({ connectionString: fresh.connectionString });
    const { assistant } = makeWorld();
    const worker = serveWorker({
      agents: [assistant],
      workMs: 3_600_000,
      idleMs: 100,
      authenticate: authenticator({
        database: () => Promise.resolve(database),
        serviceSecrets: ["service"],
        cronSecrets: ["cron"],
        jwt: {},
      }),
    });
    try {
      const prepared = {
        agent: assistant,
        run: { agent: assistant, input: "Hello" },
        sessionKind: undefined,
        timeoutSeconds: undefined,
      };
      const start = async (runId: string, agent = assistant) => {
        const { run } = prepared;
        const opened = await dispatchDatabase();
        const dispatch = { applicationName: "timestep", queueName: DIRECT_QUEUE };
        await startRun(opened, runId, { ...prepared, agent, run: { ...run, agent } }, dispatch);
      };
      await start("before");
      assertEquals(await one("select timestep.tick() as value"), false);
      await database.script(EXTENSIONS);
      await database.script(SECRETS);
      await start("after");
      assertEquals(await one("select count(*)::int as value from net.http_request_queue"), 1);
      assertEquals(await one("select timestep.tick() as value"), true);
      const [sent] = await database.query(
        "select url, headers ->> 'apikey' as key from net.http_request_queue",
      );

      assertEquals((await tick({})).status, 401);
      assertEquals((await tick({ apikey: "sb_publishable" })).status, 401);
      assertEquals(
        (await worker(new Request("http://x/v1/nothing", { headers: { apikey: "cron" } }))).status,
        404,
      );
      assertEquals((await tick({ apikey: String(sent?.["key"]) }, String(sent?.["url"]))).status, 202);
      for (const runId of ["before", "after"]) {
        while ((await getRun(runId)).status !== "completed") await pause();
      }
      assertEquals(await one("select timestep.tick() as value"), false);
      // With nothing to do it signs off; what nobody here can do is nothing.
      await start("for others", new Agent({ name: "Stranger" }));
      const works: Promise<unknown>[] = [];
      const runtime = { waitUntil: (work: Promise<unknown>) => works.push(work) };
      Object.assign(globalThis, { EdgeRuntime: runtime });
      assertEquals((await tick({ apikey: "cron" })).status, 202);
      await Promise.all(works);
      assertEquals(works.length, 1);
      assertEquals(await one("select exists (select from timestep.executors) as value"), false);
      assertEquals((await getRun("for others")).status, "queued");
    } finally {
      Reflect.deleteProperty(globalThis, "EdgeRuntime");
      await shutdownDBOS();
      configureDBOS({});
    }

    async function tick(headers: Record<string, string>, url = "http://localhost/v1/internal/tick") {
      return await worker(new Request(url, { method: "POST", headers }));
    }

    async function one(sql: string): Promise<unknown> {
      const [row] = await database.query(sql);
      return row?.["value"];
    }
  });
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 50));
}
