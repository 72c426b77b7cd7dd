import { assertEquals, assertRejects } from "@std/assert";
import {
  createScheduledAgentWorkflow,
  ensureDBOSLaunched,
  listRuns,
  listScheduledAgentWorkflows,
  pauseScheduledAgentWorkflow,
  QueueNotFoundError,
  registerAgentQueue,
  removeScheduledAgentWorkflow,
  resumeScheduledAgentWorkflow,
  ScheduleNotFoundError,
} from "../../mod.ts";
import { pause, steppingAgent, uniqueName, until, workflowTest } from "./_workflows.ts";

const finished = async () => (await listRuns({ status: "completed" })).length;

workflowTest(
  "createScheduledAgentWorkflow() runs the agent at each tick, also when it was created before the launch",
  async () => {
    const agent = steppingAgent(uniqueName("Clockwork"), 0);
    await createScheduledAgentWorkflow({
      name: "each second",
      crontab: "* * * * * *",
      agent,
      inputItems: "Tick.",
    });
    assertEquals(await listRuns(), []);
    await ensureDBOSLaunched();
    await until(async () => await finished() >= 2);
    await removeScheduledAgentWorkflow("each second");
    const runs = await listRuns();
    assertEquals(new Set(runs.map(({ runId }) => runId)).size, runs.length);
    assertEquals(runs.every(({ runId }) => /^each second:\d{4}-.*:\d\d\.000Z$/.test(runId)), true);
  },
);

workflowTest(
  "createScheduledAgentWorkflow() is noticed after the launch, and can be paused and resumed",
  async () => {
    await ensureDBOSLaunched();
    const agent = steppingAgent(uniqueName("Clockwork"), 0);
    await registerAgentQueue({ name: "ticks", pollingIntervalMs: 50 });
    const options = {
      name: "ticker",
      crontab: "* * * * * *",
      agent,
      inputItems: "Tick.",
      queueName: "ticks",
    };
    await createScheduledAgentWorkflow(options);
    await until(async () => await finished() >= 1);
    await pauseScheduledAgentWorkflow("ticker");
    assertEquals((await listScheduledAgentWorkflows()).map(({ paused }) => paused), [true]);
    // A tick may have been under way.
    await pause(300);
    const before = (await listRuns()).length;
    await pause(1500);
    assertEquals((await listRuns()).length, before);
    await resumeScheduledAgentWorkflow("ticker");
    await until(async () => (await listRuns()).length > before);
  },
);

workflowTest(
  "listScheduledAgentWorkflows() tells what there is; the same name again changes it",
  async () => {
    const agent = steppingAgent(uniqueName("Clockwork"), 0);
    const options = { name: "report", agent, inputItems: "Report." };
    await createScheduledAgentWorkflow({ ...options, crontab: "0 */6 * * *" });
    await createScheduledAgentWorkflow({
      ...options,
      crontab: "0 9 * * 1",
      timezone: "Europe/Berlin",
      missed: "skip",
    });
    const [schedule, ...others] = await listScheduledAgentWorkflows();
    assertEquals(others, []);
    const { nextAt, ...rest } = schedule ?? { nextAt: undefined };
    assertEquals(rest, {
      name: "report",
      crontab: "0 9 * * 1",
      timezone: "Europe/Berlin",
      agentName: agent.name,
      sessionId: null,
      missed: "skip",
      paused: false,
      lastFiredAt: null,
    });
    assertEquals(nextAt?.getUTCDay(), 1);
    await removeScheduledAgentWorkflow("report");
    assertEquals(await listScheduledAgentWorkflows(), []);
  },
);

workflowTest("a schedule fires each tick once and catches up what was missed once", async ({ database }) => {
  const agent = steppingAgent(uniqueName("Clockwork"), 0);
  await createScheduledAgentWorkflow({ name: "yearly", crontab: "0 0 1 1 *", agent, inputItems: "Tick." });
  // Nobody was there for years.
  await database.query(
    `update timestep.schedules
     set ticks = '{2020-01-01T00:00:00Z,2021-01-01T00:00:00Z}', next_at = '2020-01-01T00:00:00Z', renew_at = '2020-01-01'`,
  );
  await ensureDBOSLaunched();
  await until(async () => await finished() >= 1);
  await pause(500);
  assertEquals((await listRuns()).map(({ runId }) => runId), [
    `yearly:${new Date().getUTCFullYear()}-01-01T00:00:00.000Z`,
  ]);
  const [schedule] = await listScheduledAgentWorkflows();
  assertEquals(Number(schedule?.nextAt) > Date.now(), true);
});

workflowTest("createScheduledAgentWorkflow() goes by the clock of the database", async ({ database }) => {
  // PGlite has the clock of its process.
  if (database.engine === "pglite") return;
  const agent = steppingAgent(uniqueName("Clockwork"), 0);
  const HOUR_MS = 3_600_000;
  const Real = Date;
  globalThis.Date = Object.assign(
    class extends Real {
      constructor(value: number | string = Real.now() - HOUR_MS) {
        super(value);
      }
    },
    { now: () => Real.now() - HOUR_MS },
  ) as DateConstructor;
  try {
    await createScheduledAgentWorkflow({ name: "hourly", crontab: "0 * * * *", agent, inputItems: "Tick." });
  } finally {
    globalThis.Date = Real;
  }
  const [schedule] = await database.query("select next_at > now() as ahead from timestep.schedules");
  assertEquals(schedule, { ahead: true });
}, { execute: false });

workflowTest("schedules that are not there are errors", async () => {
  const agent = steppingAgent(uniqueName("Clockwork"), 0);
  for (
    const act of [pauseScheduledAgentWorkflow, resumeScheduledAgentWorkflow, removeScheduledAgentWorkflow]
  ) {
    await assertRejects(() => act("nothing"), ScheduleNotFoundError, "nothing");
    await assertRejects(() => act("no\0thing"), TypeError, "name of the schedule");
  }
  const options = { crontab: "@daily", agent, inputItems: "Tick." };
  await assertRejects(
    () => createScheduledAgentWorkflow({ ...options, missed: Object("often") }),
    RangeError,
    'missed is "often"',
  );
  await assertRejects(
    () => createScheduledAgentWorkflow({ ...options, timezone: "" }),
    RangeError,
    'time zone is ""',
  );
  await assertRejects(
    () => createScheduledAgentWorkflow({ ...options, queueName: "nowhere" }),
    QueueNotFoundError,
    "nowhere",
  );
});
