import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Agent, tool } from "@openai/agents";
import { z } from "zod";
import {
  atMostOnce,
  cancelRun,
  configureDBOS,
  DBOSConfiguredLateError,
  decide,
  forkRun,
  getRun,
  handOver,
  listInterruptions,
  listRuns,
  queueAgentWorkflow,
  readRunEvents,
  runAgentWorkflow,
  RunConflictError,
  RunNotFoundError,
  settleToolCall,
  toolCall,
} from "../../mod.ts";
import { pause, steppingAgent, SteppingModel, uniqueName, until, workflowTest } from "./_workflows.ts";

workflowTest("getRun() tells all of a run", async () => {
  const agent = steppingAgent(uniqueName("Stepper"), 1);
  await runAgentWorkflow({ agent, inputItems: "Go.", workflowId: "told", ownerId: "ada" });
  const { createdAt, updatedAt, finishedAt, ...run } = await getRun("told");
  assertEquals(run, {
    runId: "told",
    status: "completed",
    agentName: agent.name,
    sessionId: null,
    ownerId: "ada",
    segment: 0,
    forkedFrom: null,
    input: "Go.",
    finalOutput: "1 steps",
    error: null,
  });
  assertEquals([createdAt, updatedAt, finishedAt].every((date) => date instanceof Date), true);
  await assertRejects(() => getRun("untold"), RunNotFoundError, "untold");
});

workflowTest("listRuns() lists the newest first, by page and by what is asked for", async () => {
  const agent = steppingAgent(uniqueName("Stepper"), 0);
  const other = steppingAgent(uniqueName("Other"), 0);
  for (let n = 1; n <= 5; n++) {
    await queueAgentWorkflow({ agent: n === 5 ? other : agent, inputItems: "Go.", workflowId: `run-${n}` });
  }
  const ids = async (options: Parameters<typeof listRuns>[0]) =>
    (await listRuns(options)).map(({ runId }) => runId);
  assertEquals(await ids({ limit: 2 }), ["run-5", "run-4"]);
  assertEquals(await ids({ limit: 2, before: "run-4" }), ["run-3", "run-2"]);
  assertEquals(await ids({ limit: 2, before: "run-2" }), ["run-1"]);
  assertEquals(await ids({ agentName: other.name }), ["run-5"]);
  await cancelRun("run-1");
  assertEquals(await ids({ status: "cancelled" }), ["run-1"]);
  assertEquals((await ids({ status: ["queued", "cancelled"] })).length, 5);
  assertEquals(await ids({ sessionId: "nobody's" }), []);
  await assertRejects(() => listRuns({ limit: 0 }), RangeError, "limit is 0");
  await assertRejects(() => listRuns({ before: "none" }), RunNotFoundError, "none");
}, { execute: false });

workflowTest("cancelRun() takes a queued run out of its queue", async ({ database }) => {
  const agent = steppingAgent(uniqueName("Stepper"), 0);
  await queueAgentWorkflow({ agent, inputItems: "Go.", workflowId: "unwanted" });
  assertEquals((await cancelRun("unwanted")).status, "cancelled");
  const [row] = await database.query("select status, queue_name from dbos.workflow_status");
  assertEquals(row, { status: "CANCELLED", queue_name: null });
  for (const id of ["nobody", "no\0body", "\ud800"]) {
    await assertRejects(() => cancelRun(id), RunNotFoundError, JSON.stringify(id));
    await assertRejects(() => getRun(id), RunNotFoundError, JSON.stringify(id));
  }
  await assertRejects(() => listRuns({ status: Object(["done"]) }), RangeError, 'status is "done"');
  await assertRejects(() => handOver({ deadline: new Date(NaN) }), TypeError, "Invalid Date");
}, { execute: false });

workflowTest("readRunEvents() reads what a run has told, to its end", async () => {
  const agent = steppingAgent(uniqueName("Stepper"), 1);
  await runAgentWorkflow({ agent, inputItems: "Go.", workflowId: "heard" });
  const events = await Array.fromAsync(readRunEvents("heard"));
  assertEquals(events.length > 0, true);
  const last = events.at(-1);
  assertEquals(await Array.fromAsync(readRunEvents("heard", { after: last?.position ?? 0 })), []);
});

workflowTest("configureDBOS() refuses to change what is in use", async ({ connectionString }) => {
  await listRuns();
  assertThrows(() => configureDBOS({ name: "another" }), DBOSConfiguredLateError);
  configureDBOS({ connectionString, heartbeatSeconds: 0.1, executorTimeoutSeconds: 2 });
  assertThrows(
    () => configureDBOS({ heartbeatSeconds: 10, executorTimeoutSeconds: 10 }),
    RangeError,
    "heartbeats",
  );
});

// Callers without types would get another database, or a process that executes.
Deno.test("configureDBOS() refuses what is no option", () => {
  const refused: [options: unknown, message: string][] = [
    ["postgres://me:secret@localhost/db", "its options are string"],
    [null, "its options are null"],
    [{ url: "postgres://localhost" }, "there is no option url"],
    [{ connectionString: new URL("postgres://me:secret@localhost/db") }, "connectionString is object"],
    [{ execute: "no" }, "execute is string"],
    [{ modelProvider: {} }, "getModel()"],
    [{ heartbeatSeconds: "1" }, "heartbeatSeconds is string"],
  ];
  for (const [options, message] of refused) {
    const error = assertThrows(() => configureDBOS(options as never), TypeError, message);
    assertEquals(error.message.includes("secret"), false);
  }
  assertThrows(() => configureDBOS({ heartbeatSeconds: 1e7, executorTimeoutSeconds: 1e8 }), RangeError);
});

workflowTest("forkRun() does a run again from a given turn", async () => {
  const steps: number[] = [];
  const agent = steppingAgent(uniqueName("Stepper"), 3, (number) => {
    steps.push(number);
    return `done ${number}`;
  });
  await runAgentWorkflow({ agent, inputItems: "Go.", workflowId: "original" });
  const fork = await forkRun({ runId: "original", fromTurn: 3, workflowId: "fork" });
  assertEquals(fork.forkedFrom, "original");
  // The same again is the same fork.
  await forkRun({ runId: "original", fromTurn: 3, workflowId: "fork" });
  await until(async () => (await getRun("fork")).status === "completed");
  assertEquals((await getRun("fork")).finalOutput, "3 steps");
  assertEquals(steps, [1, 2, 3, 3]);
  assertEquals((await getRun("original")).status, "completed");
  await assertRejects(() => forkRun({ runId: "original", fromTurn: 6 }), RangeError, "from 1 to 5");
  await assertRejects(() => forkRun({ runId: "nobody" }), RunNotFoundError, "nobody");
  await assertRejects(
    () => forkRun({ runId: "fork", workflowId: "original" }),
    RunConflictError,
    '"original"',
  );
});

workflowTest("forkRun() takes over that nobody knows what became of a call", async ({ database }) => {
  const runs: string[] = [];
  const step = tool({
    name: "step",
    description: "",
    parameters: z.object({ number: z.number() }),
    execute: atMostOnce(() => `${runs.push(toolCall()?.runId ?? "")} done`),
  });
  const agent = new Agent({ name: uniqueName("Stepper"), model: new SteppingModel(1), tools: [step] });
  await runAgentWorkflow({ agent, inputItems: "Go.", workflowId: "original" });
  // As if the process had died in the call.
  await database.query(
    "update timestep.runs set status = 'unknown_outcome', finished_at = null, final_output = null",
  );
  await database.query("delete from timestep.journal where key = 'model:0.2'");
  await database.query(
    "update timestep.journal set status = 'started', output = null, position = null where kind = 'tool'",
  );
  await forkRun({ runId: "original", fromTurn: 2, workflowId: "fork" });
  await until(async () => (await getRun("fork")).status === "unknown_outcome");
  assertEquals(runs, ["original"]);
  const call = { runId: "fork", stepKey: "tool:0.1:call-1" };
  await assertRejects(
    () => settleToolCall(Object({ ...call, runAgain: false })),
    TypeError,
    "runAgain is false",
  );
  await assertRejects(() => settleToolCall(Object(call)), TypeError, "output is not given");
  await settleToolCall({ ...call, output: "done after all" });
  await until(async () => (await getRun("fork")).status === "completed");
  await forkRun({ runId: "original", workflowId: "from the beginning" });
  await until(async () => (await getRun("from the beginning")).status === "completed");
  assertEquals(runs, ["original", "from the beginning"]);
});

workflowTest("forkRun() does a run again from any turn, whatever pauses came before it", async () => {
  const taken: string[] = [];
  const agent = steppingAgent(uniqueName("Careful"), 3, (number) => {
    taken.push(`${toolCall()?.runId} ${number}`);
    return `done ${number}`;
  }, { needsApproval: true });
  const approveAll = async (runId: string): Promise<number> => {
    const approved = new Set<string>();
    while (!(await getRun(runId)).finishedAt) {
      const pending = (await listInterruptions({ runId })).filter(({ status }) => status === "pending");
      for (const { interruptionId } of pending) {
        approved.add(interruptionId);
        await decide({ runId, decisions: [{ interruptionId, approve: true }] });
      }
      await pause(20);
    }
    assertEquals((await getRun(runId)).finalOutput, "3 steps");
    return approved.size;
  };
  const stepsOf = (runId: string) => taken.filter((step) => step.startsWith(`${runId} `));
  await runAgentWorkflow({ agent, inputItems: "Go.", workflowId: "original" });
  await approveAll("original");
  assertEquals(stepsOf("original").length, 3);
  // Turns 1 to 4, with a pause after each of the first three; 5 takes over all that there is.
  for (const [fromTurn, steps] of [[1, [1, 2, 3]], [3, [3]], [5, []]] as const) {
    const workflowId = `fork-${fromTurn}`;
    await forkRun({ runId: "original", fromTurn, workflowId });
    assertEquals(await approveAll(workflowId), steps.length, "what was decided is not asked again");
    assertEquals(stepsOf(workflowId), steps.map((step) => `${workflowId} ${step}`));
  }
  await assertRejects(() => forkRun({ runId: "original", fromTurn: 6 }), RangeError, "from 1 to 5");
});
