import { assert, assertEquals } from "@std/assert";
import {
  configureDBOS,
  createScheduledAgentWorkflow,
  type Database,
  DatabaseSession,
  ensureDBOSLaunched,
  getRun,
  listRuns,
  listScheduledAgentWorkflows,
  openDatabase,
  pauseScheduledAgentWorkflow,
  queueAgentWorkflow,
  registerAgentQueue,
  removeScheduledAgentWorkflow,
  resumeScheduledAgentWorkflow,
  shutdownDBOS,
} from "../../mod.ts";
import { EXTENSIONS } from "../supabase/_extensions.ts";
import { FAST, steppingAgent, uniqueName, until, workflowTest } from "./_workflows.ts";

/** No worker is in this process, and none anywhere else. */
const NOBODY = { execute: false };

workflowTest(
  "timestep.tick() queues the run of a tick with no process alive, and the next worker executes it",
  async ({ connectionString, database }) => {
    const agent = steppingAgent(uniqueName("Clockwork"), 1);
    const session = new DatabaseSession({ sessionId: "diary", database });
    await registerAgentQueue({ name: "diaries", partitionConcurrency: 1 });
    const options = {
      agent,
      inputItems: [{ role: "user" as const, content: "Tick \u2028 é." }],
      session,
      stream: false,
      timeoutSeconds: 60,
      context: { number: 1.5 },
      maxTurns: 4,
      ownerId: "somebody",
    };
    await createScheduledAgentWorkflow({
      ...options,
      name: "nightly",
      crontab: "0 3 * * *",
      queueName: "diaries",
    });
    assertEquals(await tick(database), []);
    const runId = await make("nightly", "1 second", database);
    assertEquals(await tick(database), [runId]);
    assertEquals(await tick(database), [runId]);
    assertEquals((await listRuns({ status: "queued" })).map(({ runId }) => runId), [runId]);
    const [schedule] = await listScheduledAgentWorkflows();
    assertEquals(`nightly:${schedule?.lastFiredAt?.toISOString()}`, runId);
    assert(Number(schedule?.nextAt) > Date.now());

    // The same, as queueAgentWorkflow() makes it.
    const queued = await queueAgentWorkflow({ ...options, workflowId: "by hand", queueName: "diaries" });
    const [fired, byHand] = await Promise.all([runId, queued.workflowId].map((id) => rows(database, id)));
    assertEquals(fired, byHand);

    await shutdownDBOS();
    configureDBOS({ connectionString, ...FAST });
    await ensureDBOSLaunched();
    await until(async () => (await getRun(runId)).status === "completed");
    assertEquals((await getRun(runId)).finalOutput, "1 steps");
  },
  NOBODY,
);

workflowTest("timestep.tick() fires each tick once, however many call it at once", async (fresh) => {
  const { connectionString, database } = fresh;
  const agent = steppingAgent(uniqueName("Clockwork"), 0);
  const names = ["one", "two", "three"];
  for (const name of names) {
    await createScheduledAgentWorkflow({ name, agent, inputItems: "Tick.", crontab: "0 3 * * *" });
  }
  const expected = await Promise.all(names.map((name) => make(name, "1 second", database)));
  const others = database.engine === "pglite"
    ? []
    : await Promise.all(names.map(() => openDatabase({ connectionString })));
  try {
    await Promise.all([database, ...others].flatMap((each) => [tick(each), tick(each), tick(each)]));
    assertEquals((await tick(database)).sort(), expected.sort());
    const workflows = await database.query("select workflow_uuid from dbos.workflow_status order by 1");
    assertEquals(workflows.map((row) => row["workflow_uuid"]), expected);
  } finally {
    for (const other of others) await other.close();
  }
}, NOBODY);

workflowTest(
  "timestep.tick() obeys what is said about missed ticks, pausing and removing",
  async ({ database }) => {
    const agent = steppingAgent(uniqueName("Clockwork"), 0);
    const options = { agent, inputItems: "Tick.", crontab: "0 3 * * *" };
    await createScheduledAgentWorkflow({ ...options, name: "skips", missed: "skip" });
    await createScheduledAgentWorkflow({ ...options, name: "catches up" });
    await createScheduledAgentWorkflow({ ...options, name: "rests" });
    await createScheduledAgentWorkflow({ ...options, name: "gone" });
    await pauseScheduledAgentWorkflow("rests");
    await make("skips", "1 hour", database);
    const missed = await make("catches up", "1 hour", database);
    await make("rests", "1 second", database);
    await make("gone", "1 second", database);
    await removeScheduledAgentWorkflow("gone");
    assertEquals(await tick(database), [missed]);

    // It goes on with the next tick, and leaves out those that passed.
    await resumeScheduledAgentWorkflow("rests");
    assertEquals(await tick(database), [missed]);
    const punctual = await make("rests", "1 second", database);
    assertEquals((await tick(database)).sort(), [missed, punctual].sort());
  },
  NOBODY,
);

workflowTest(
  "a schedule whose known ticks are over is gone on with by a worker that knows the agent",
  async ({ connectionString, database }) => {
    const agent = steppingAgent(uniqueName("Clockwork"), 0);
    const options = { agent, inputItems: "Tick.", crontab: "* * * * * *", timezone: "Europe/Berlin" };
    await createScheduledAgentWorkflow({ ...options, name: "known" });
    await createScheduledAgentWorkflow({ ...options, name: "unknown" });
    await database.query("update timestep.schedules set agent_name = 'Nobody' where name = 'unknown'");
    // The last that are known, an hour ago.
    await database.query(
      `update timestep.schedules s set ticks = t.ticks, next_at = t.ticks[1], renew_at = t.ticks[1]
       from (select array_agg(date_trunc('second', now()) - interval '1 hour' + number * interval '1 second')
         from generate_series(0, 9) as number) as t (ticks)`,
    );
    assertEquals(await tick(database), []);
    assertEquals(await database.query("select timestep.has_work() as work"), [{ work: true }]);

    await shutdownDBOS();
    configureDBOS({ connectionString, ...FAST });
    await ensureDBOSLaunched();
    await until(async () => (await listRuns({ status: "completed" })).length > 2);
    await pauseScheduledAgentWorkflow("known");
    // None of the hour that was missed, as there are ticks that are not late.
    const late = await database.query(
      `select run_id from timestep.runs
       where run_id not like 'known:%' or created_at - replace(run_id, 'known:', '')::timestamptz > interval '30 seconds'`,
    );
    assertEquals(late, []);
  },
  NOBODY,
);

workflowTest("timestep.fire_schedules() fires the others when one cannot be fired", async ({ database }) => {
  const agent = steppingAgent(uniqueName("Clockwork"), 0);
  for (const name of ["broken", "sound"]) {
    await createScheduledAgentWorkflow({ name, agent, inputItems: "Tick.", crontab: "0 3 * * *" });
  }
  await make("broken", "2 seconds", database);
  const sound = await make("sound", "1 second", database);
  await database.query(
    `update timestep.schedules set dispatch = '{"queueName":"agents","priority":"high"}' where name = 'broken'`,
  );
  assertEquals(await tick(database), [sound]);
}, NOBODY);

workflowTest("timestep.tick() wakes one worker for all runs that it makes", async ({ database }) => {
  const agent = steppingAgent(uniqueName("Clockwork"), 0);
  for (const name of ["one", "two"]) {
    await createScheduledAgentWorkflow({ name, agent, inputItems: "Tick.", crontab: "0 3 * * *" });
    await make(name, "1 second", database);
  }
  await database.script(`${EXTENSIONS}
    select vault.create_secret('http://127.0.0.1:1/worker', 'timestep_worker_url');
    select vault.create_secret('key', 'timestep_dispatch_key')`);
  const asked = "select count(*)::int as times from net.http_request_queue";
  assertEquals((await tick(database)).length, 2);
  assertEquals(await database.query(asked), [{ times: 1 }]);
  // Each transaction asks anew.
  await queueAgentWorkflow({ agent, inputItems: "Go." });
  assertEquals(await database.query(asked), [{ times: 2 }]);
}, NOBODY);

/** Makes the schedule's next tick one that was so long ago, as if it had been created before. Returns its run's id. */
async function make(name: string, ago: string, database: Database): Promise<string> {
  const [row] = await database.query(
    `update timestep.schedules set ticks = (now() - $2::text::interval) || ticks, next_at = now() - $2::text::interval
     where name = $1
     returning name || ':' || to_char(next_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as run`,
    [name, ago],
  );
  return String(row?.["run"]);
}

/** What pg_cron does. Returns the ids of all runs. */
async function tick(database: Database): Promise<string[]> {
  await database.query("select timestep.tick()");
  const rows = await database.query("select run_id from timestep.runs order by run_id");
  return rows.map((row) => String(row["run_id"]));
}

/** All that is recorded of a run and of its dispatch, but for its id and times. */
async function rows(database: Database, runId: string): Promise<unknown> {
  const found = await database.query(
    `select r.agent_name, r.agent_fingerprint, r.session_id, r.owner_id, r.status, r.segment, r.epoch, r.language,
       r.input::text, r.options::text, r.dispatch::jsonb, r.workflow_id = r.run_id as is_own,
       a.definition is not null as is_defined, s.status as dispatched, s.name, s.queue_name, s.priority,
       s.queue_partition_key, s.deduplication_id, s.application_name, s.application_version, s.serialization,
       replace(s.inputs, r.run_id, '') as inputs
     from timestep.runs r join dbos.workflow_status s on s.workflow_uuid = r.workflow_id
     left join timestep.agents a on a.agent_name = r.agent_name and a.fingerprint = r.agent_fingerprint
     where r.run_id = $1`,
    [runId],
  );
  return found;
}
