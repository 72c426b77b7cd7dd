import { assertEquals } from "@std/assert";
import type { Database } from "../../mod.ts";
import { testDatabases } from "../_databases.ts";
import { EXTENSIONS } from "./_extensions.ts";

for (const target of testDatabases()) {
  Deno.test(`timestep.tick() does nothing before DBOS's tables are there, all of them [${target.engine}]`, async () => {
    await using fresh = await target.create();
    const { database } = fresh;
    assertEquals(await call(database, "timestep.tick()"), false);
    // While they are being made they have fewer columns.
    await database.script("create schema dbos; create table dbos.workflow_status (workflow_uuid text)");
    assertEquals(await call(database, "timestep.tick()"), false);
  });

  Deno.test(`timestep.wake_worker() says whether a worker was asked, and never fails [${target.engine}]`, async () => {
    await using fresh = await target.create();
    const { database } = fresh;
    assertEquals(await call(database, "timestep.wake_worker()"), false, "without the extensions");
    await database.script(EXTENSIONS);
    assertEquals(await call(database, "timestep.wake_worker()"), false, "without the secrets");
    await database.script(`
      select vault.create_secret('http://127.0.0.1:1/worker', 'timestep_worker_url');
      select vault.create_secret('key', 'timestep_dispatch_key')`);
    assertEquals(await call(database, "timestep.wake_worker()"), true);
    assertEquals(
      await database.query("select method, url, headers ->> 'apikey' as key from net.http_request_queue"),
      [{ method: "POST", url: "http://127.0.0.1:1/worker/v1/internal/tick", key: "key" }],
    );
    await database.script("alter table net.http_request_queue drop column headers");
    assertEquals(await call(database, "timestep.wake_worker()"), false, "when pg_net fails");
  });

  Deno.test(`timestep.schedule_ticks() does nothing without pg_cron [${target.engine}]`, async () => {
    await using fresh = await target.create();
    assertEquals(await call(fresh.database, "timestep.schedule_ticks()"), false);
  });
}

async function call(database: Database, expression: string): Promise<unknown> {
  const [row] = await database.query(`select ${expression} as value`);
  return row?.["value"];
}
