import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Agent, Runner, tool } from "@openai/agents";
import { z } from "zod";
import { atMostOnce, toolCall, transactional } from "../../mod.ts";
import { readRunEvents } from "../../src/durable/read_run_events.ts";
import { settleToolCall } from "../../src/durable/settle_tool_call.ts";
import {
  approve,
  execute,
  Killed,
  killEverywhere,
  modelOfTurns,
  MortalDatabase,
  testOnEach,
  tick,
} from "./_durable.ts";

const NOTHING = z.object({});

testOnEach(
  "atMostOnce() stops the run instead of repeating a call that was cut off",
  async ({ database }) => {
    let launches = 0;
    const launch = tool({
      name: "launch",
      description: "",
      parameters: NOTHING,
      execute: atMostOnce(async () => {
        launches++;
        await tick();
        return "launched";
      }),
    });
    const agent = new Agent({ name: "Launcher", model: modelOfTurns([[["launch", "c1"]]]), tools: [launch] });
    const run = { runId: "r", agent, input: "Go." };
    // The writes: the model's answer, the beginning of the call, its result.
    const mortal = new MortalDatabase(database, { at: 3, when: "before" });
    await assertRejects(() => execute(mortal, run), Killed);
    assertEquals(launches, 1);
    const unknown = await execute(database, run);
    assertEquals(unknown.status, "unknown_outcome");
    assertEquals(unknown.unknownToolCalls.map(({ stepKey, toolName }) => [stepKey, toolName]), [[
      "tool:0.1:c1",
      "launch",
    ]]);
    assertEquals((await execute(database, run)).status, "unknown_outcome", "executed again it only tells");
    assertEquals(launches, 1);

    assertEquals(
      await settleToolCall(database, "r", "tool:0.1:c1", { output: "launched, as seen on television" }),
      true,
    );
    const done = await execute(database, run);
    assertEquals([done.status, done.finalOutput, launches], ["completed", "done", 1]);
    assertEquals(done.usage.requests, 2);
    const [row] = await database.query(
      "select output #>> '{}' as output from timestep.journal where key = 'tool:0.1:c1'",
    );
    assertEquals(row, { output: "launched, as seen on television" });
  },
);

Deno.test("atMostOnce() and transactional() refuse a tool, and whatever else is no function", () => {
  const whole = tool({ name: "go", description: "", parameters: NOTHING, execute: () => "" });
  for (const make of [atMostOnce, transactional]) {
    assertThrows(() => make(whole as never), TypeError, `${make.name}(): it was given a tool`);
    assertThrows(() => make(undefined as never), TypeError, "it was given undefined");
  }
});

testOnEach(
  "settleToolCall() lets a call be made again, and refuses what does not wait for it",
  async ({ database }) => {
    const keys: (string | undefined)[] = [];
    const both = Promise.withResolvers<void>();
    const mortal = new MortalDatabase(database);
    const launch = tool({
      name: "launch",
      description: "",
      parameters: NOTHING,
      execute: atMostOnce(async () => {
        if (keys.push(toolCall()?.idempotencyKey) === 2) both.resolve();
        await both.promise;
        // That both have begun is recorded by now.
        if (keys.length === 2) mortal.kill();
        return "launched";
      }),
    });
    const agent = new Agent({
      name: "Launcher",
      model: modelOfTurns([[["launch", "c1"], ["launch", "c2"]]]),
      tools: [launch],
    });
    const run = { runId: "r", agent, input: "Go." };
    await assertRejects(() => execute(mortal, run), Killed);
    const open = (await execute(database, run)).unknownToolCalls.map(({ stepKey }) => stepKey);
    assertEquals(open, ["tool:0.1:c1", "tool:0.1:c2"]);
    await assertRejects(
      () => settleToolCall(database, "r", "tool:0.1:c3", { runAgain: true }),
      Error,
      "no call of this key is open",
    );
    assertEquals(
      await settleToolCall(database, "r", "tool:0.1:c1", { runAgain: true }),
      false,
      "the other one is open",
    );
    assertEquals(await settleToolCall(database, "r", "tool:0.1:c2", { output: null }), true);
    await assertRejects(
      () => settleToolCall(database, "r", "tool:0.1:c1", { output: 1 }),
      Error,
      "the run is queued",
    );
    assertEquals((await execute(database, run)).status, "completed");
    assertEquals(keys.toSorted(), ["r:0.1:c1", "r:0.1:c1", "r:0.1:c2"]);
  },
);

testOnEach("atMostOnce() does what it is given when the run is not durable", async () => {
  const launch = tool({
    name: "launch",
    description: "",
    parameters: NOTHING,
    execute: atMostOnce(() => "launched"),
  });
  const agent = new Agent({ name: "Launcher", model: modelOfTurns([[["launch", "c1"]]]), tools: [launch] });
  const result = await new Runner().run(agent, "Go.");
  assertEquals(
    result.newItems.flatMap((item) => item.type === "tool_call_output_item" ? [item.output] : []),
    ["launched"],
  );
});

testOnEach("transactional() writes exactly once, wherever the run is killed", async ({ database }) => {
  await database.script("create table refunds (run_id text, order_id text)");
  const refund = tool({
    name: "refund",
    description: "",
    parameters: z.object({ order: z.string() }),
    execute: transactional(async (transaction, { order }) => {
      await transaction.query("insert into refunds values ($1, $2)", [toolCall()?.runId ?? "", order]);
      return `refunded ${order}`;
    }),
  });
  const model = modelOfTurns([[["refund", "c1", { order: "a" }], ["refund", "c2", { order: "b" }]]]);
  const agent = new Agent({ name: "Refunder", model, tools: [refund] });
  const places = await killEverywhere(
    database,
    (runId) => ({ runId, agent, input: "Go." }),
    async (outcome, { at, when }) => {
      assertEquals(outcome.status, "completed");
      const rows = await database.query("select order_id from refunds where run_id = $1 order by 1", [
        outcome.runId,
      ]);
      assertEquals(rows, [{ order_id: "a" }, { order_id: "b" }], `killed ${when} write ${at}`);
    },
  );
  assert(places >= 4, `there were only ${places} writes to die at`);
});

testOnEach("transactional() rolls back what a tool wrote before it threw", async ({ database }) => {
  await database.script("create table refunds (order_id text)");
  const refund = tool({
    name: "refund",
    description: "",
    parameters: NOTHING,
    execute: transactional(async (transaction) => {
      await transaction.query("insert into refunds values ('a')");
      throw new Error("The order was refunded before.");
    }),
    errorFunction: (_context, error) => `Sorry: ${error instanceof Error ? error.message : error}`,
  });
  const agent = new Agent({ name: "Refunder", model: modelOfTurns([[["refund", "c1"]]]), tools: [refund] });
  assertEquals((await execute(database, { runId: "r", agent, input: "Go." })).status, "completed");
  assertEquals(await database.query("select * from refunds"), []);
  const [row] = await database.query(
    "select status, output #>> '{}' as output from timestep.journal where kind = 'tool'",
  );
  assertEquals(row, { status: "completed", output: "Sorry: The order was refunded before." });
});

testOnEach(
  "executeRun() fails a run whose tool throws, and replays the error that was recorded",
  async ({ database }) => {
    let calls = 0;
    const fail = tool({
      name: "fail",
      description: "",
      parameters: NOTHING,
      errorFunction: null,
      execute: () => {
        calls++;
        throw new RangeError("Out of paper.");
      },
    });
    const agent = new Agent({ name: "Printer", model: modelOfTurns([[["fail", "c1"]]]), tools: [fail] });
    const run = { runId: "r", agent, input: "Go." };
    const mortal = new MortalDatabase(database, { at: "tool:0.1:c1", when: "after" });
    const outcome = await execute(mortal, run).catch(() => execute(database, run));
    assertEquals([outcome.status, outcome.error?.name, calls], ["failed", "ToolCallError", 1]);
    assert(outcome.error?.message.includes("Out of paper."));
  },
);

testOnEach("executeRun() makes calls once that have ids no key can hold", async ({ database }) => {
  const noise = [...crypto.getRandomValues(new Uint8Array(3000))].map((byte) => byte.toString(16)).join("");
  const ids = ["a\0b", "a\ud800b", noise, `${noise}/`, "1/2:c#3", "functions.go:0"];
  const made: (string | undefined)[] = [];
  const allow = () => Promise.resolve({ behavior: { type: "allow" as const } });
  const guardrail = { type: "tool_input" as const, name: "g\0", run: allow };
  const go = tool({
    name: "go",
    description: "",
    parameters: NOTHING,
    needsApproval: () => Promise.resolve(true),
    inputGuardrails: [guardrail],
    execute: () => {
      made.push(toolCall()?.callId);
      return "gone";
    },
  });
  const turns = [ids.map((id): [string, string] => ["go", id])];
  const inner = new Agent({ name: "Inner", model: modelOfTurns(turns), tools: [go] });
  const agent = new Agent({
    name: "Outer",
    model: modelOfTurns([[["inner", noise, { input: "Go." }]], [["go", "\0"]]]),
    tools: [inner.asTool({ toolName: "inner", toolDescription: "" }), go],
  });
  const run = { runId: "r", agent, input: "Go." };
  const { interruptions } = await execute(database, run);
  assertEquals(new Set(interruptions.map(({ interruptionId }) => interruptionId)).size, ids.length);
  await approve(database, "r");
  // With the model's next call, all that the tools gave is recorded.
  const mortal = new MortalDatabase(database, { at: "model:1.1", when: "after" });
  await assertRejects(() => execute(mortal, { ...run, segment: 1 }), Killed);
  assertEquals((await execute(database, { ...run, segment: 1 })).interruptions.length, 1);
  await approve(database, "r");
  assertEquals((await execute(database, { ...run, segment: 2 })).finalOutput, "done");
  assertEquals(made.toSorted(), [...ids, "\0"].toSorted());
  const shown = await Array.fromAsync(readRunEvents(database, "r"));
  assert(shown.some((event) => event.type === "tool_output" && event.callId === "functions.go:0"));
});
