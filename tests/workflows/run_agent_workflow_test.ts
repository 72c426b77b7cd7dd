import { assertEquals, assertRejects } from "@std/assert";
import { Agent, MemorySession } from "@openai/agents";
import { assistantMessage, modelError, ScriptedModel } from "@openai/agents-core/testing";
import { cancelRun, getRun, runAgentWorkflow, RunConflictError, SessionNotDurableError } from "../../mod.ts";
import { DatabaseSession } from "../../src/session/database_session.ts";
import { steppingAgent, SteppingModel, uniqueName, until, workflowTest } from "./_workflows.ts";

workflowTest("runAgentWorkflow() gives the answer, the usage and the run's id", async () => {
  const agent = steppingAgent(uniqueName("Stepper"), 2);
  const result = await runAgentWorkflow({ agent, inputItems: "Go.", workflowId: "order-1" });
  assertEquals(result.status, "completed");
  assertEquals(result.finalOutput, "2 steps");
  assertEquals(result.runId, "order-1");
  assertEquals(result.interruptions, []);
  assertEquals(result.usage, { requests: 3, inputTokens: 30, outputTokens: 15, totalTokens: 45 });
});

workflowTest("runAgentWorkflow() gives the same run when the id was used before", async () => {
  const model = new SteppingModel(1);
  const agent = steppingAgent(uniqueName("Stepper"), 1, undefined, { model });
  const options = { agent, inputItems: "Go.", workflowId: "once" };
  const results = await Promise.all([1, 2, 3].map(() => runAgentWorkflow(options)));
  results.push(await runAgentWorkflow(options));
  assertEquals(new Set(results.map(({ finalOutput }) => finalOutput)), new Set(["1 steps"]));
  assertEquals(model.calls, 2);
});

workflowTest("runAgentWorkflow() refuses an id that another run has", async () => {
  const agent = steppingAgent(uniqueName("Stepper"), 0);
  await runAgentWorkflow({ agent, inputItems: "One.", workflowId: "taken" });
  await assertRejects(
    () => runAgentWorkflow({ agent, inputItems: "Another.", workflowId: "taken" }),
    RunConflictError,
    "taken",
  );
});

workflowTest("runAgentWorkflow() resolves when the model fails", async () => {
  const agent = new Agent({
    name: uniqueName("Unlucky"),
    model: new ScriptedModel([modelError(new Error("The model is on fire"))]),
  });
  const result = await runAgentWorkflow({ agent, inputItems: "Go." });
  assertEquals(result.status, "failed");
  assertEquals(result.error?.message, "The model is on fire");
});

workflowTest("runAgentWorkflow() remembers in a DatabaseSession", async ({ connectionString }) => {
  const agent = new Agent({
    name: uniqueName("Rememberer"),
    model: new ScriptedModel([[assistantMessage("Nice to meet you.")], [assistantMessage("You are Ada.")]]),
  });
  await using session = new DatabaseSession({ sessionId: "ada", connectionString });
  await runAgentWorkflow({ agent, inputItems: "I am Ada.", session });
  const result = await runAgentWorkflow({ agent, inputItems: "Who am I?", session });
  assertEquals(result.finalOutput, "You are Ada.");
  assertEquals((await session.getItems()).length, 4);
});

workflowTest("runAgentWorkflow() refuses a session that dies with the process", async () => {
  const agent = steppingAgent(uniqueName("Stepper"), 0);
  await assertRejects(
    () => runAgentWorkflow({ agent, inputItems: "Go.", session: new MemorySession() }),
    SessionNotDurableError,
    "MemorySession",
  );
});

workflowTest("runAgentWorkflow() cancels a run that takes too long, aborting the model call", async () => {
  const calls: AbortSignal[] = [];
  const model = new SteppingModel(0, ({ signal }) => {
    if (signal) calls.push(signal);
    return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
  });
  const agent = steppingAgent(uniqueName("Sleeper"), 0, undefined, { model });
  const result = await runAgentWorkflow({ agent, inputItems: "Go.", timeoutSeconds: 0.2 });
  assertEquals(result.status, "cancelled");
  assertEquals(result.error?.name, "TimeoutError");
  // On a slow machine the time is over before there is a call.
  await until(() => calls.every(({ aborted }) => aborted));
});

workflowTest("cancelRun() ends a run for good and aborts the model call", async () => {
  const called = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<void>();
  const model = new SteppingModel(0, ({ signal }) => {
    called.resolve();
    return new Promise((_, reject) =>
      signal?.addEventListener("abort", () => {
        aborted.resolve();
        reject(signal.reason);
      })
    );
  });
  const agent = steppingAgent(uniqueName("Sleeper"), 0, undefined, { model });
  const running = runAgentWorkflow({ agent, inputItems: "Go.", workflowId: "to-cancel" });
  await called.promise;
  assertEquals((await cancelRun("to-cancel")).status, "cancelled");
  assertEquals((await running).status, "cancelled");
  await aborted.promise;
  assertEquals((await cancelRun("to-cancel")).status, "cancelled");
  assertEquals((await getRun("to-cancel")).status, "cancelled");
});

workflowTest("runAgentWorkflow() refuses ids that continuations have", async () => {
  const agent = steppingAgent(uniqueName("Stepper"), 0);
  await assertRejects(
    () => runAgentWorkflow({ agent, inputItems: "Go.", workflowId: "a:r1" }),
    TypeError,
    "a:r1",
  );
  await assertRejects(
    () => runAgentWorkflow({ agent, inputItems: "Go.", workflowId: "" }),
    TypeError,
    "empty",
  );
});
