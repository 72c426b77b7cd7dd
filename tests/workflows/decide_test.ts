import { assertEquals, assertRejects } from "@std/assert";
import {
  decide,
  DecisionConflictError,
  getRun,
  InterruptionNotFoundError,
  listInterruptions,
  queueAgentWorkflow,
  runAgentWorkflow,
  RunNotFoundError,
  RunStateStore,
  settleToolCall,
} from "../../mod.ts";
import { pause, steppingAgent, uniqueName, workflowTest } from "./_workflows.ts";

/** An agent whose steps need approval, a run of it that is paused, and the steps that were taken. */
async function pausedRun(runId: string) {
  const steps: number[] = [];
  const agent = steppingAgent(uniqueName("Careful"), 2, (number) => {
    steps.push(number);
    return `done ${number}`;
  }, { needsApproval: true });
  const result = await runAgentWorkflow({ agent, inputItems: "Go.", workflowId: runId });
  const [interruption] = result.interruptions;
  if (!interruption) throw new Error(`The run is ${result.status}, not paused`);
  return { agent, steps, result, interruptionId: interruption.interruptionId };
}

/** What is decided next about the run, once it waits again. */
async function nextInterruption(runId: string): Promise<string> {
  for (;;) {
    const [next] = await listInterruptions({ runId });
    if (next?.status === "pending") return next.interruptionId;
    await pause(20);
  }
}

workflowTest("decide() lets a paused run go on, once for each approval", async () => {
  const { agent, steps, result, interruptionId } = await pausedRun("approved");
  assertEquals(result.status, "interrupted");
  assertEquals(result.state?.getInterruptions().length, 1);
  const [listed] = await listInterruptions({ runId: "approved" });
  assertEquals([listed?.toolName, listed?.arguments, listed?.status], ["step", '{"number":1}', "pending"]);
  const decision = { interruptionId, approve: true };
  const decided = await decide({ runId: "approved", decisions: [decision] });
  assertEquals(decided, { runId: "approved", status: "queued", pending: 0 });
  const again = await nextInterruption("approved");
  await decide({ runId: "approved", decisions: [{ interruptionId: again, approve: true }] });
  const end = await runAgentWorkflow({ agent, inputItems: "Go.", workflowId: "approved" });
  assertEquals(end.finalOutput, "2 steps");
  assertEquals(steps, [1, 2]);
  assertEquals((await getRun("approved")).segment, 2);
  // The same decision again is fine, and does nothing.
  await decide({ runId: "approved", decisions: [decision] });
  assertEquals(steps, [1, 2]);
});

workflowTest("decide() approves once and for all", async () => {
  const { agent, steps, interruptionId } = await pausedRun("always");
  await decide({ runId: "always", decisions: [{ interruptionId, approve: true, always: true }] });
  const end = await runAgentWorkflow({ agent, inputItems: "Go.", workflowId: "always" });
  assertEquals(end.finalOutput, "2 steps");
  assertEquals(steps, [1, 2]);
});

workflowTest("decide() tells the model why a call was rejected", async ({ database }) => {
  const { agent, steps, interruptionId } = await pausedRun("rejected");
  const decision = { interruptionId, approve: false, always: true, message: "Not on a Sunday." };
  await decide({ runId: "rejected", decisions: [decision] });
  await runAgentWorkflow({ agent, inputItems: "Go.", workflowId: "rejected" });
  assertEquals(steps, []);
  const [said] = await database.query(
    "select message, decided_by from timestep.interruptions where interruption_id = $1",
    [interruptionId],
  );
  assertEquals(said, { message: "Not on a Sunday.", decided_by: null });
});

workflowTest("decide() refuses a decision that differs from the one before", async () => {
  const { steps, interruptionId } = await pausedRun("decided");
  const reject = { runId: "decided", decisions: [{ interruptionId, approve: false, message: "No." }] };
  await decide(reject);
  await assertRejects(
    () => decide({ runId: "decided", decisions: [{ interruptionId, approve: true }] }),
    DecisionConflictError,
    "rejected",
  );
  await decide(reject);
  assertEquals(steps, []);
});

workflowTest("decide() refuses what it can't make sense of", async () => {
  const { interruptionId } = await pausedRun("strict");
  const approve = { interruptionId, approve: true };
  const call =
    (runId: string, decisions: { interruptionId: string; approve: boolean; message?: string }[]) => () =>
      decide({ runId, decisions });
  await assertRejects(call("nobody", [approve]), RunNotFoundError, "nobody");
  await assertRejects(
    call("strict", [{ ...approve, interruptionId: "x" }]),
    InterruptionNotFoundError,
    '"x"',
  );
  await assertRejects(call("strict", []), TypeError, "no decision");
  await assertRejects(call("strict", [approve, approve]), TypeError, "twice");
  await assertRejects(call("strict", [{ ...approve, message: "ok" }]), TypeError, "rejection");
  await assertRejects(call("no\0body", [approve]), RunNotFoundError, "no\\u0000body");
  await assertRejects(call("strict", Object("yes")), TypeError, "decisions is object");
  const odd = (decision: object) => call("strict", [{ ...approve, ...decision }]);
  await assertRejects(odd({ approve: "no" }), TypeError, 'approve is "no"');
  await assertRejects(odd({ approve: false, message: "a\0" }), TypeError, "NUL");
  await assertRejects(odd({ approve: false, message: 5 }), TypeError, "its message is 5");
  await assertRejects(odd({ always: "no" }), TypeError, 'always is "no"');
  await assertRejects(odd({ interruptionId: undefined }), TypeError, "decisions[0] has no interruptionId");
  await assertRejects(() => decide("strict" as never), TypeError, "its options are string");
  const settle = (stepKey: unknown) => () =>
    settleToolCall({ runId: "strict", stepKey, runAgain: true } as never);
  await assertRejects(settle(undefined), TypeError, "stepKey is undefined");
  await assertRejects(settle("a\0"), TypeError, "stepKey is");
  assertEquals((await listInterruptions({ runId: "strict" }))[0]?.status, "pending");
});

workflowTest(
  "decide() refuses a run that somebody resumes with RunStateStore",
  async ({ connectionString }) => {
    const { agent, steps, interruptionId } = await pausedRun("claimed");
    await using store = new RunStateStore({ agent, connectionString });
    const state = await store.load();
    await decide({ runId: "claimed", decisions: [{ interruptionId, approve: true }] });
    // The other way round: it is too late for the store.
    const { runAgent } = await import("../../mod.ts");
    for (const interruption of state.getInterruptions()) state.approve(interruption);
    await assertRejects(() => runAgent(agent, state), Error, "resume");
    await nextInterruption("claimed");
    assertEquals(steps, [1]);
  },
);

workflowTest("listInterruptions() lists nothing of runs that do not wait", async () => {
  const agent = steppingAgent(uniqueName("Stepper"), 1);
  await queueAgentWorkflow({ agent, inputItems: "Go." }).then((handle) => handle.getResult());
  assertEquals(await listInterruptions(), []);
});
