import { assertEquals, assertRejects } from "@std/assert";
import { Agent } from "@openai/agents";
import { assistantMessage, ScriptedModel } from "@openai/agents-core/testing";
import {
  configureDBOS,
  forkRun,
  getRun,
  listRuns,
  queueAgentWorkflow,
  QueueNotFoundError,
  registerAgentQueue,
  SessionNotDurableError,
  shutdownDBOS,
} from "../../mod.ts";
import { pause, steppingAgent, SteppingModel, uniqueName, until, workflowTest } from "./_workflows.ts";

/** An agent that notes when its runs begin and how many are under way at once. */
function observedAgent(
  name: string,
  takesMs: number,
  meanwhile: (underWay: number) => Promise<void> | void = () => {},
) {
  const began: string[] = [];
  let underWay = 0;
  let most = 0;
  const model = new SteppingModel(0, async ({ input }) => {
    began.push(typeof input === "string" ? input : JSON.stringify(input.at(-1)));
    most = Math.max(most, ++underWay);
    await meanwhile(underWay);
    await pause(takesMs);
    underWay--;
  });
  const agent = new Agent({ name: uniqueName(name), model });
  /** The inputs of the runs, in the order in which they began. */
  const order = () => began.map((input) => /\d+/.exec(input.replaceAll(/"[a-z]+":/g, ""))?.[0]);
  return { agent, order, most: () => most };
}

workflowTest("queueAgentWorkflow() gives a handle to a run that a worker executes", async () => {
  const agent = steppingAgent(uniqueName("Stepper"), 1);
  const handle = await queueAgentWorkflow({ agent, inputItems: "Go.", workflowId: "queued-1" });
  assertEquals(handle.workflowId, "queued-1");
  assertEquals((await handle.getResult()).finalOutput, "1 steps");
  assertEquals(await handle.getStatus(), "completed");
});

workflowTest("queueAgentWorkflow() only records the run when this process executes none", async () => {
  const agent = steppingAgent(uniqueName("Stepper"), 1);
  const handle = await queueAgentWorkflow({ agent, inputItems: "Go." });
  await pause(300);
  assertEquals(await handle.getStatus(), "queued");
}, { execute: false });

workflowTest("queueAgentWorkflow() starts lower numbers sooner", async () => {
  const allQueued = Promise.withResolvers<void>();
  const { agent, order } = observedAgent("Prioritised", 5, () => allQueued.promise);
  await registerAgentQueue({ name: "narrow", concurrency: 1, pollingIntervalMs: 50 });
  const queue = (priority: number) =>
    queueAgentWorkflow({ agent, inputItems: `${priority}`, queueName: "narrow", priority });
  const handles = [await queue(9)];
  // The first keeps the queue busy until the others wait in it.
  await until(() => order().length === 1);
  for (const priority of [3, 1, 2]) handles.push(await queue(priority));
  allQueued.resolve();
  for (const handle of handles) await handle.getResult();
  assertEquals(order(), ["9", "1", "2", "3"]);
});

workflowTest("queueAgentWorkflow() gives the run that holds the deduplication id", async ({ database }) => {
  const allQueued = Promise.withResolvers<void>();
  const model = new SteppingModel(0, () => allQueued.promise);
  const agent = steppingAgent(uniqueName("Stepper"), 0, undefined, { model });
  const options = { agent, inputItems: "Go.", deduplicationId: "only-one" };
  const handles = await Promise.all([1, 2, 3].map(() => queueAgentWorkflow(options)));
  assertEquals(new Set(handles.map(({ workflowId }) => workflowId)).size, 1);
  assertEquals((await listRuns()).length, 1);
  allQueued.resolve();
  await handles[0]?.getResult();
  // At once, even if DBOS does not have the end of the workflow yet.
  const next = await queueAgentWorkflow({ ...options, delaySeconds: 60 });
  assertEquals(next.workflowId === handles[0]?.workflowId, false);
  assertEquals((await queueAgentWorkflow(options)).workflowId, next.workflowId);
  // Nothing but a workflow is left of that one, and nobody ends it.
  await database.query("update timestep.runs set workflow_id = 'another' where run_id = $1", [
    next.workflowId,
  ]);
  assertEquals((await queueAgentWorkflow(options)).workflowId === next.workflowId, false);
});

workflowTest(
  "registerAgentQueue() finds a partition for what waits in a queue without",
  async ({ database }) => {
    const agent = steppingAgent(uniqueName("Stepper"), 0);
    await registerAgentQueue({ name: "split", concurrency: 1 });
    const options = { agent, inputItems: "Go.", queueName: "split", delaySeconds: 60 };
    await queueAgentWorkflow({ ...options, workflowId: "early" });
    await registerAgentQueue({ name: "split", partitionConcurrency: 1 });
    await forkRun({ runId: "early", workflowId: "fork" });
    const rows = await database.query(
      "select workflow_uuid as id, queue_partition_key as key from dbos.workflow_status order by 1",
    );
    assertEquals(rows, [{ id: "early", key: "early" }, { id: "fork", key: "fork" }]);
  },
  { execute: false },
);

workflowTest(
  "registerAgentQueue() keeps off the queues of other applications",
  async ({ connectionString }) => {
    const agent = steppingAgent(uniqueName("Stepper"), 0);
    await registerAgentQueue({ name: "theirs" });
    await shutdownDBOS();
    configureDBOS({ connectionString, name: "another", execute: false });
    await assertRejects(() => registerAgentQueue({ name: "theirs" }), TypeError, "another application");
    await assertRejects(
      () => queueAgentWorkflow({ agent, inputItems: "Go.", queueName: "theirs" }),
      QueueNotFoundError,
      "there are agents, agents_by_partition.",
    );
  },
  { execute: false },
);

workflowTest("registerAgentQueue() limits how many runs are under way", async () => {
  // The first waits for the second: two at once there must be.
  const both = Promise.withResolvers<void>();
  const { agent, most } = observedAgent(
    "Limited",
    60,
    (underWay) => underWay < 2 ? both.promise : both.resolve(),
  );
  await registerAgentQueue({ name: "two at once", concurrency: 2, pollingIntervalMs: 30 });
  const handles = [];
  for (let n = 0; n < 6; n++) {
    handles.push(await queueAgentWorkflow({ agent, inputItems: `${n}`, queueName: "two at once" }));
  }
  await Promise.all(handles.map((handle) => handle.getResult()));
  assertEquals(most(), 2);
});

workflowTest("registerAgentQueue() limits how many runs start in a period", async ({ database }) => {
  const { agent } = observedAgent("Paced", 1);
  await registerAgentQueue({
    name: "paced",
    rateLimit: { limit: 2, periodSeconds: 1 },
    pollingIntervalMs: 30,
  });
  const handles = [];
  for (let n = 0; n < 4; n++) {
    handles.push(await queueAgentWorkflow({ agent, inputItems: `${n}`, queueName: "paced" }));
  }
  await Promise.all(handles.map((handle) => handle.getResult()));
  const rows = await database.query(
    "select started_at_epoch_ms as started from dbos.workflow_status where queue_name = 'paced' order by 1",
  );
  const started = rows.map((row) => Number(row["started"]));
  assertEquals(started.length, 4);
  // In any period there are two: the third begins when the first is out of the window, as the fourth and the second.
  for (const [index, ms] of started.slice(2).entries()) {
    assertEquals(ms - (started[index] ?? 0) >= 1000, true, `${started}`);
  }
});

workflowTest("queueAgentWorkflow() runs one of a partition at a time, in order", async () => {
  const chat = observedAgent("Chat", 40);
  const other = observedAgent("Other", 40);
  await registerAgentQueue({ name: "chats", partitionConcurrency: 1, pollingIntervalMs: 30 });
  const handles = [];
  for (let n = 1; n <= 3; n++) {
    const options = { inputItems: `${n}`, queueName: "chats" };
    handles.push(await queueAgentWorkflow({ ...options, agent: chat.agent, partitionKey: "a" }));
    handles.push(await queueAgentWorkflow({ ...options, agent: other.agent, partitionKey: "b" }));
  }
  await Promise.all(handles.map((handle) => handle.getResult()));
  assertEquals(chat.order(), ["1", "2", "3"]);
  assertEquals([chat.most(), other.most()], [1, 1]);
});

workflowTest(
  "queueAgentWorkflow() keeps runs of a partition key apart without a queue of one's own",
  async () => {
    const { agent, order, most } = observedAgent("Tenant", 20);
    const handles = [];
    for (let n = 1; n <= 2; n++) {
      handles.push(await queueAgentWorkflow({ agent, inputItems: `${n}`, partitionKey: "tenant-1" }));
    }
    await Promise.all(handles.map((handle) => handle.getResult()));
    assertEquals(order(), ["1", "2"]);
    assertEquals(most(), 1);
  },
);

workflowTest("queueAgentWorkflow() refuses queues, keys and numbers that make no sense", async () => {
  const agent = steppingAgent(uniqueName("Stepper"), 0);
  const queue = (options: object) => () => queueAgentWorkflow({ agent, inputItems: "Go.", ...options });
  await registerAgentQueue({ name: "by key", partitionConcurrency: 1 });
  await assertRejects(
    queue({ queueName: "nowhere" }),
    QueueNotFoundError,
    "agents, agents_by_partition, by key",
  );
  await assertRejects(queue({ queueName: "agents", partitionKey: "a" }), TypeError, "not partitioned");
  await assertRejects(queue({ queueName: "by key" }), TypeError, "partitionKey");
  await assertRejects(queue({ priority: -1 }), RangeError, "-1");
  await assertRejects(queue({ delaySeconds: NaN }), RangeError, "NaN");
  await assertRejects(queue({ delaySeconds: 1e300 }), RangeError, "1e+300");
  await assertRejects(queue({ deduplicationId: "a\0" }), TypeError, "deduplicationId");
  await assertRejects(queue({ partitionKey: "" }), TypeError, "partitionKey");
  await assertRejects(queue({ ownerId: "a\0" }), TypeError, "ownerId");
  await assertRejects(queue({ timeoutSeconds: "5" }), RangeError, "has to be a number");
  await assertRejects(queue({ delaySeconds: "5" }), RangeError, "delaySeconds is 5");
  await assertRejects(queue({ inputItems: [5] }), TypeError, "inputItems[0] is 5");
  await assertRejects(queue({ maxTurns: "3" }), RangeError, 'maxTurns is "3"');
  await assertRejects(queue({ stream: "yes" }), TypeError, 'stream is "yes"');
  await assertRejects(queue({ queueName: "a\0" }), TypeError, "queueName");
  await assertRejects(() => registerAgentQueue({ name: "\ud800" }), TypeError, "name of the queue");
  await assertRejects(queue({ inputItems: undefined }), TypeError, "inputItems is undefined");
  await assertRejects(queue({ agent: undefined }), TypeError, "undefined is none");
  await assertRejects(
    queue({ inputItems: [{ role: "user", content: 1n }] }),
    TypeError,
    "its input cannot be recorded",
  );
  await assertRejects(queue({ session: null }), SessionNotDurableError, "with null");
  await assertRejects(queue({ maxTurns: 0 }), RangeError, "maxTurns is 0");
  await assertRejects(
    () => registerAgentQueue({ name: "x", concurrency: 0 }),
    RangeError,
    "concurrency is 0",
  );
  const register = (limits: object) => () => registerAgentQueue({ name: "x", ...limits });
  await assertRejects(register({ concurrency: 2 ** 31 }), RangeError, "below 2^31");
  await assertRejects(register({ rateLimit: { limit: 5 } }), TypeError, "periodSeconds");
  await assertRejects(register({ rateLimit: 5 }), TypeError, "rateLimit is 5");
  // It would be no limit at all.
  await assertRejects(register({ limit: 5 }), TypeError, "no limit called limit");
  await assertRejects(register({ concurency: 5 }), TypeError, "no limit called concurency");
});

workflowTest(
  "queueAgentWorkflow() slows the whole queue when the provider says to come back later",
  async ({ database }) => {
    let limited = true;
    const model = new SteppingModel(0, () => {
      if (!limited) return Promise.resolve();
      limited = false;
      return Promise.reject(
        Object.assign(new Error("Too many requests"), { status: 429, headers: { "retry-after": "1" } }),
      );
    });
    const first = steppingAgent(uniqueName("Limited"), 0, undefined, { model });
    const second = new Agent({
      name: uniqueName("Bystander"),
      model: new ScriptedModel([[assistantMessage("Hello.")]]),
    });
    await registerAgentQueue({ name: "provider", pollingIntervalMs: 30 });
    const handle = await queueAgentWorkflow({ agent: first, inputItems: "Go.", queueName: "provider" });
    await until(async () => (await database.query("select from timestep.queue_pauses")).length > 0);
    const [pausedUntil] = await database.query("select paused_until from timestep.queue_pauses");
    const bystander = await queueAgentWorkflow({ agent: second, inputItems: "Hi.", queueName: "provider" });
    const results = await Promise.all([handle.getResult(), bystander.getResult()]);
    assertEquals(results.map(({ status }) => status), ["completed", "completed"]);
    const { finishedAt } = await getRun(bystander.workflowId);
    assertEquals(Number(finishedAt) >= Number(pausedUntil?.["paused_until"]), true);
    assertEquals(model.calls, 2);
  },
);
