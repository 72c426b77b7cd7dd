import { assert, assertEquals, assertRejects } from "@std/assert";
import { Agent, InputGuardrailTripwireTriggered, Runner, RunState, tool } from "@openai/agents";
import { z } from "zod";
import type { Execution } from "../../src/durable/execution.ts";
import { runInScope, Scope } from "../../src/durable/scope.ts";
import { accelerateSdk } from "../../src/durable/sdk/accelerate.ts";
import { UntrackedInput } from "../../src/durable/sdk/untracked_input.ts";
import { execute, FunctionModel, modelOfTurns, testOnEach } from "./_durable.ts";

// That the SDK treats an untracked input as a text is known of the version that is pinned. If an update breaks one of
// these, UntrackedInput has to go, or to follow.

const runner = new Runner({ tracingDisabled: true });

/** An agent that calls tools twice, and then waits for a person beside a tool that was called. */
function pausingAgent(seen: unknown[] = []) {
  const options = { description: "", parameters: z.object({}) };
  const turns = modelOfTurns([[["count", "a"], ["count", "b"]], [["count", "c"], ["pay", "p"]]]);
  return new Agent({
    name: "A",
    model: new FunctionModel(async (request) => {
      seen.push(JSON.parse(JSON.stringify(request.input)));
      return (await turns.getResponse(request)).output;
    }),
    tools: [
      tool({ ...options, name: "count", execute: () => 1 }),
      tool({ ...options, name: "pay", needsApproval: true, execute: () => 2 }),
    ],
    inputGuardrails: [{
      name: "note",
      execute: ({ input }) => {
        seen.push(input);
        return Promise.resolve({ tripwireTriggered: input === "stop", outputInfo: "" });
      },
    }],
  });
}

/** Runs as durable runs do, without recording. */
async function untracked<T>(text: string, run: (input: string) => Promise<T>): Promise<T> {
  const release = accelerateSdk();
  try {
    const input = new UntrackedInput(text);
    // It stands for the text.
    return await runInScope(
      new Scope({} as Execution, "0."),
      () => input.settle(run(input as unknown as string)),
    );
  } finally {
    release();
  }
}

Deno.test("UntrackedInput leaves the state that a text leaves, for a session that may come later, too", async () => {
  const [seenOfText, seen]: unknown[][] = [[], []];
  const ofText = await runner.run(pausingAgent(seenOfText), "Hi");
  const result = await untracked("Hi", (input) => runner.run(pausingAgent(seen), input));
  assertEquals(result.interruptions?.length, 1);
  assertEquals(JSON.parse(result.state.toString()), JSON.parse(ofText.state.toString()));
  assert(result.state.toString().includes('"currentTurnSessionInputItems"'), "there is something to compare");
  assertEquals(seen, seenOfText);
  assertEquals(result.input, "Hi");
  assertEquals(result.history, ofText.history);
});

Deno.test("UntrackedInput leaves the state that a text leaves when the run is streamed", async () => {
  const ofText = await runner.run(pausingAgent(), "Hi", { stream: true });
  await ofText.completed;
  const state = await untracked("Hi", async (input) => {
    const result = await runner.run(pausingAgent(), input, { stream: true });
    await result.completed;
    return result;
  });
  assertEquals(JSON.parse(state.state.toString()), JSON.parse(ofText.state.toString()));
});

Deno.test("UntrackedInput leaves the error and the state that a text leaves when the run fails", async () => {
  const fail = (run: () => Promise<unknown>) => assertRejects(run, InputGuardrailTripwireTriggered);
  const ofText = await fail(() => runner.run(pausingAgent(), "stop"));
  const error = await fail(() => untracked("stop", (input) => runner.run(pausingAgent(), input)));
  assertEquals(error.message, ofText.message);
  assert(error.state instanceof RunState);
  assertEquals(JSON.parse(error.state.toString()), JSON.parse(ofText.state?.toString() ?? ""));
});

testOnEach("a durable run that pauses has the snapshot that a plain one has", async ({ database }) => {
  const outcome = await execute(database, { runId: "r", agent: pausingAgent(), input: "Hi" });
  assertEquals(outcome.status, "interrupted");
  const [row] = await database.query("select state::text as state from timestep.run_states");
  const { originalInput, currentTurnSessionInputItems } = JSON.parse(String(row?.["state"]));
  const { state } = await runner.run(pausingAgent(), "Hi");
  assertEquals(
    { originalInput, currentTurnSessionInputItems },
    (({ originalInput, currentTurnSessionInputItems }) => ({ originalInput, currentTurnSessionInputItems }))(
      JSON.parse(state.toString()),
    ),
  );
});
