import { assert, assertEquals, assertRejects } from "@std/assert";
import { Agent, handoff, Runner, tool } from "@openai/agents";
import { z } from "zod";
import {
  AgentNotRegisteredError,
  createRun,
  executeRun,
  ModelRateLimitedError,
  registerAgent,
  RunConflictError,
  RunNotFoundError,
} from "../../mod.ts";
import { forgetAgents } from "../../src/durable/registry.ts";
import {
  approve,
  execute,
  FunctionModel,
  Killed,
  killEverywhere,
  modelOfTurns,
  MortalDatabase,
  say,
  testOnEach,
  tick,
} from "./_durable.ts";

testOnEach("createRun() makes a run once, and refuses another under the same id", async ({ database }) => {
  const agent = new Agent({ name: "A", model: modelOfTurns([]) });
  assertEquals(await createRun(database, { runId: "r", agent, input: "x" }), true);
  assertEquals(await createRun(database, { runId: "r", agent, input: "x" }), false);
  await assertRejects(
    () => createRun(database, { runId: "r", agent, input: "y" }),
    RunConflictError,
    "another input",
  );
  const other = new Agent({ name: "B", model: modelOfTurns([]) });
  await assertRejects(
    () => createRun(database, { runId: "r", agent: other, input: "x" }),
    RunConflictError,
    "another agent",
  );
});

testOnEach("executeRun() leaves a run alone whose agent it does not know", async ({ database }) => {
  const agent = new Agent({ name: "A", model: modelOfTurns([]) });
  await createRun(database, { runId: "r", agent, input: "x" });
  forgetAgents();
  const before = await database.query("select * from timestep.runs");
  const execution = { database, runId: "r", segment: 0, executorId: "e" };
  const error = await assertRejects(() => executeRun(execution), AgentNotRegisteredError);
  assertEquals(error.agentName, "A");
  assertEquals(await database.query("select * from timestep.runs"), before);
  await assertRejects(() => executeRun({ ...execution, runId: "none" }), RunNotFoundError);
  registerAgent(agent);
  assertEquals((await executeRun(execution)).status, "completed");
});

testOnEach("executeRun() does what a handoff does once", async ({ database }) => {
  const effects: string[] = [];
  const closer = new Agent({ name: "Closer", model: new FunctionModel(() => [say("closed")]) });
  const agent = new Agent({
    name: "Opener",
    model: modelOfTurns([[["transfer_to_Closer", "h1"]]]),
    handoffs: [handoff(closer, {
      onHandoff: async () => {
        await tick();
        effects.push("handed over");
      },
    })],
  });
  await killEverywhere(database, (runId) => ({ runId, agent, input: "x" }), async (outcome) => {
    assertEquals([outcome.status, outcome.finalOutput], ["completed", "closed"]);
    const [row] = await database.query(
      "select epoch from timestep.journal where run_id = $1 and kind = 'handoff'",
      [outcome.runId],
    );
    assertEquals(effects.length, row?.["epoch"] === 1 ? 1 : effects.length);
    effects.length = 0;
  });
});

testOnEach(
  "executeRun() keeps secrets and states out of the error of a run that failed",
  async ({ database }) => {
    const model = new FunctionModel(() => {
      throw Object.assign(
        new Error("Incorrect API key provided: sk-proj-abcdefghijkl. See https://example.com."),
        { status: 401 },
      );
    });
    const agent = new Agent({ name: "A", model });
    const outcome = await execute(database, {
      runId: "r",
      agent,
      input: "x",
      context: { password: "hunter2" },
    });
    assertEquals(outcome.status, "failed");
    assertEquals(outcome.error, {
      name: "Error",
      message: "Incorrect API key provided: sk-[redacted] See https://example.com.",
    });
    const [row] = await database.query("select error::text as error from timestep.runs");
    assert(!String(row?.["error"]).includes("hunter2"));
  },
);

testOnEach(
  "executeRun() leaves a run to be executed again when the provider asks to wait",
  async ({ database }) => {
    let limited = true;
    const model = new FunctionModel(({ input }) => {
      if (limited && Array.isArray(input) && input.length > 1) {
        throw Object.assign(new Error("Too many"), {
          status: 429,
          headers: new Headers({ "retry-after": "7" }),
        });
      }
      return Array.isArray(input) && input.length > 1 ? [say("done")] : [
        { type: "function_call", callId: "c", name: "count", arguments: "{}", status: "completed" },
      ];
    });
    let counted = 0;
    const count = tool({
      name: "count",
      description: "",
      parameters: z.object({}),
      execute: () => ++counted,
    });
    const agent = new Agent({ name: "A", model, tools: [count] });
    const run = { runId: "r", agent, input: "x" };
    const error = await assertRejects(() => execute(database, run), ModelRateLimitedError);
    assertEquals(error.retryAfterMs, 7000);
    limited = false;
    const outcome = await execute(database, run);
    assertEquals([outcome.status, counted, model.calls], ["completed", 1, 3]);
  },
);

testOnEach("executeRun() adds to the session once, wherever it is killed", async ({ database }) => {
  const agent = new Agent({
    name: "A",
    model: modelOfTurns([[["count", "c1"]]]),
    tools: [
      tool({ name: "count", description: "", parameters: z.object({}), execute: () => 1 }),
    ],
  });
  for (const stream of [false, true]) {
    const places = await killEverywhere(
      database,
      (runId) => ({
        runId: `${runId} ${stream}`,
        agent,
        input: "x",
        sessionId: `of ${runId} ${stream}`,
        stream,
      }),
      async ({ runId, status }, dies) => {
        assertEquals(status, "completed");
        const rows = await database.query(
          "select item ->> 'type' as type from timestep.session_items where session_id = $1 order by position",
          [`of ${runId}`],
        );
        assertEquals(rows.map(({ type }) => type), [
          "message",
          "function_call",
          "function_call_result",
          "message",
        ], JSON.stringify(dies));
      },
    );
    assert(places >= 3, `there were only ${places} writes to die at`);
  }
});

testOnEach("executeRun() goes on with changed code while what is recorded fits", async ({ database }) => {
  const make = (instructions: string, output: string) =>
    new Agent({
      name: "A",
      instructions,
      model: modelOfTurns([[["count", "c1"]], [["count", "c2"]]]),
      tools: [tool({ name: "count", description: "", parameters: z.object({}), execute: () => output })],
    });
  const run = { runId: "r", input: "x" };
  const mortal = new MortalDatabase(database, { at: "model:0.2", when: "after" });
  await execute(mortal, { ...run, agent: make("Be brief.", "1") }).catch((error) =>
    assert(error instanceof Killed)
  );
  forgetAgents();
  const agent = make("Be long-winded.", "2");
  registerAgent(agent);
  const outcome = await executeRun({ database, runId: "r", segment: 0, executorId: "e" });
  assertEquals(outcome.status, "completed");
});

testOnEach(
  "executeRun() stops at the first difference from what is recorded, and names it",
  async ({ database }) => {
    const make = (toolName: string, guard = false) =>
      new Agent({
        name: "A",
        model: modelOfTurns([[["count", "c1"]], [["count", "c2"]]]),
        tools: [tool({
          name: toolName,
          description: guard ? "Guarded." : "",
          parameters: z.object({}),
          execute: () => "1",
          ...(guard
            ? {
              outputGuardrails: [{
                name: "g",
                run: () =>
                  Promise.resolve({ behavior: { type: "rejectContent" as const, message: "other" } }),
              }],
            }
            : {}),
        })],
      });
    const mortal = new MortalDatabase(database, { at: "model:0.2", when: "after" });
    await execute(mortal, { runId: "r", input: "x", agent: make("count") }).catch((error) =>
      assert(error instanceof Killed)
    );
    forgetAgents();
    registerAgent(make("count", true));
    const outcome = await executeRun({ database, runId: "r", segment: 0, executorId: "e" });
    assertEquals([outcome.status, outcome.error?.code], ["failed", "run_diverged"]);
    assert(outcome.error?.message.includes('"model:0.2"'), outcome.error?.message);
    assert(outcome.error?.message.endsWith("first at A.tools[0].description."), outcome.error?.message);
  },
);

testOnEach("executeRun() records nothing of runs beside it that are not durable", async ({ database }) => {
  const shared = tool({ name: "count", description: "", parameters: z.object({}), execute: () => 1 });
  const agent = new Agent({ name: "A", model: modelOfTurns([[["count", "c1"]]]), tools: [shared] });
  const [outcome, plain] = await Promise.all([
    execute(database, { runId: "r", agent, input: "x" }),
    new Runner().run(agent, "x"),
  ]);
  assertEquals([outcome.finalOutput, plain.finalOutput], ["done", "done"]);
  assertEquals(await database.query("select count(*)::int as n from timestep.journal"), [{ n: 3 }]);
});

testOnEach(
  "executeRun() counts the attempts that the SDK made again, also after a crash",
  async ({ database }) => {
    let failures = 0;
    const model = new FunctionModel(({ input }) => {
      if (failures++ < 2) throw Object.assign(new Error("Overloaded"), { status: 503 });
      return Array.isArray(input) && input.length > 1
        ? [say("done")]
        : [{ type: "function_call", callId: "c", name: "count", arguments: "{}", status: "completed" }];
    });
    const retry = { maxRetries: 3, policy: () => true, backoff: { initialDelayMs: 1, maxDelayMs: 1 } };
    const count = tool({
      name: "count",
      description: "",
      parameters: z.object({}),
      needsApproval: true,
      execute: () => 1,
    });
    const agent = new Agent({ name: "A", model, modelSettings: { retry }, tools: [count] });
    const run = { runId: "r", agent, input: "x" };
    const mortal = new MortalDatabase(database, { at: 1, when: "after" });
    await execute(mortal, run).catch((error) => assert(error instanceof Killed));
    assertEquals(model.calls, 3);
    assertEquals((await execute(database, run)).status, "interrupted");
    const [saved] = await database.query(
      "select json_array_length(state -> 'context' -> 'usage' -> 'requestUsageEntries') as entries from timestep.run_states",
    );
    assertEquals(saved, { entries: 3 });
    await approve(database, "r");
    const outcome = await execute(database, { ...run, segment: 1 });
    assertEquals([outcome.status, outcome.usage.requests, model.calls], ["completed", 4, 4]);
  },
);

testOnEach("executeRun() records NULs and lone surrogates as they are", async ({ database }) => {
  const odd = 'a\0b \ud800 "c" \\u0000';
  const echo = tool({ name: "echo", description: "", parameters: z.object({}), execute: () => odd });
  const agent = new Agent({ name: "Odd", model: modelOfTurns([[["echo", "c1"]]], odd), tools: [echo] });
  for (const stream of [false, true]) {
    await killEverywhere(
      database,
      (runId) => ({ runId: `${stream} ${runId}`, agent, input: odd, stream }),
      (outcome) => assertEquals(outcome.finalOutput, odd),
    );
  }
});

testOnEach("executeRun() counts the tokens that were cached and those of reasoning", async ({ database }) => {
  for (const stream of [false, true]) {
    const agent = new Agent({ name: `Counted ${stream}`, model: modelOfTurns([]) });
    await execute(database, { runId: agent.name, agent, input: "x", stream });
  }
  assertEquals(
    await database.query(
      "select cached_input_tokens as cached, reasoning_tokens as reasoning from timestep.usage",
    ),
    [{ cached: 4, reasoning: 3 }, { cached: 4, reasoning: 3 }],
  );
});
