import { assert, assertEquals } from "@std/assert";
import { Agent, tool, toolSearchTool } from "@openai/agents";
import { z } from "zod";
import { toolCall } from "../../mod.ts";
import {
  execute,
  FunctionModel,
  Killed,
  killEverywhere,
  modelOfTurns,
  MortalDatabase,
  say,
  testOnEach,
  tick,
  toolResults,
} from "./_durable.ts";

/** Gives every call to a tool once it has been asked for by name; in the order that the test wants. */
function gatedTool(name: string, order: () => string[], effects: string[]) {
  const gates = new Map<string, PromiseWithResolvers<void>>();
  const gate = (callId: string) => {
    let found = gates.get(callId);
    if (!found) gates.set(callId, found = Promise.withResolvers<void>());
    return found;
  };
  return tool({
    name,
    description: "Waits for its turn.",
    parameters: z.object({ user: z.string() }),
    execute: async ({ user }) => {
      const callId = toolCall()?.callId ?? "";
      const turns = order();
      const place = turns.indexOf(callId);
      if (place > 0) await gate(turns[place - 1] ?? "").promise;
      effects.push(callId);
      gate(callId).resolve();
      return `result of ${user}`;
    },
  });
}

testOnEach(
  "executeRun() gives each call its own result when parallel tools end in opposite orders on replay",
  async ({ database }) => {
    for (const firstOrder of [["c2", "c1", "c0"], ["c0", "c1", "c2"], ["c1", "c2", "c0"]]) {
      const runId = `order-${firstOrder.join("")}`;
      const effects: string[] = [];
      let order = firstOrder;
      const lookUp = gatedTool("look_up", () => order, effects);
      const model = new FunctionModel((request) => {
        const results = toolResults(request);
        if (Object.keys(results).length === 0) {
          return ["c0", "c1", "c2"].map((callId, index) => ({
            type: "function_call",
            id: callId,
            callId,
            name: "look_up",
            status: "completed",
            arguments: JSON.stringify({ user: `user${index}` }),
          }));
        }
        return [say(JSON.stringify(results))];
      });
      const agent = new Agent({ name: `Order ${firstOrder}`, model, tools: [lookUp] });
      // Dies when the model's second answer is written, together with the tools' results or after them.
      const mortal = new MortalDatabase(database, { at: 2, when: "before" });
      await execute(mortal, { runId, agent, input: "Look up." }).catch((error) =>
        assert(error instanceof Killed)
      );
      order = firstOrder.toReversed();
      const outcome = await execute(database, { runId, agent, input: "Look up." });
      assertEquals(JSON.parse(String(outcome.finalOutput)), {
        c0: "result of user0",
        c1: "result of user1",
        c2: "result of user2",
      });
    }
  },
);

testOnEach("executeRun() does not repeat what is recorded, wherever it is killed", async ({ database }) => {
  const executed = new Map<string, number>();
  const keys = new Map<string, Set<string>>();
  const work = tool({
    name: "work",
    description: "Works.",
    parameters: z.object({ n: z.number() }),
    execute: async ({ n }) => {
      const call = toolCall();
      assert(call);
      for (let ticks = 0; ticks < n; ticks++) await tick();
      const name = `${call.runId} ${call.callId}`;
      executed.set(name, (executed.get(name) ?? 0) + 1);
      keys.set(name, (keys.get(name) ?? new Set()).add(call.idempotencyKey));
      return `${n}!`;
    },
  });
  const expertModel = modelOfTurns([[["work", "e1", { n: 7 }], ["work", "e2", { n: 8 }]]], "expertise");
  const expert = new Agent({ name: "Expert", model: expertModel, tools: [work] });
  const closer = new Agent({
    name: "Closer",
    model: new FunctionModel(({ input }) => [say(`closed after ${input.length}`)]),
  });
  const starter = new Agent({
    name: "Starter",
    model: new FunctionModel((request) => {
      const results = toolResults(request);
      const call = (name: string, callId: string, args: unknown) => ({
        type: "function_call" as const,
        id: callId,
        callId,
        name,
        status: "completed" as const,
        arguments: JSON.stringify(args),
      });
      if (!results.s1) {
        return [
          call("work", "s1", { n: 1 }),
          call("work", "s2", { n: 2 }),
          call("ask_expert", "s3", { input: "?" }),
        ];
      }
      return [call("transfer_to_Closer", "s4", {})];
    }),
    tools: [work, expert.asTool({ toolName: "ask_expert", toolDescription: "Asks the expert." })],
    handoffs: [closer],
  });
  const places = await killEverywhere(
    database,
    (runId) => ({ runId, agent: starter, input: "Go." }),
    async (outcome, { at, when }) => {
      assertEquals(
        [outcome.status, outcome.finalOutput],
        ["completed", "closed after 9"],
        `killed ${when} write ${at}`,
      );
      assertEquals(outcome.usage, { requests: 5, inputTokens: 50, outputTokens: 25, totalTokens: 75 });
      const rows = await database.query(
        "select key, epoch from timestep.journal where run_id = $1 and kind = 'tool'",
        [outcome.runId],
      );
      assertEquals(rows.length, 4);
      for (const { key, epoch } of rows) {
        const name = `${outcome.runId} ${String(key).split(":").at(-1)}`;
        // What the first execution has recorded, the second has not done again.
        if (epoch === 1) assertEquals(executed.get(name), 1, `${name}, killed ${when} write ${at}`);
        assert((executed.get(name) ?? 0) <= 2);
        assertEquals(keys.get(name)?.size, 1, "the idempotency key is the same in every attempt");
      }
    },
  );
  assert(places >= 4, `there were only ${places} writes to die at`);
});

testOnEach("executeRun() calls no model and no tool when all is recorded", async ({ database }) => {
  let effects = 0;
  const model = modelOfTurns([[["count", "a"]], [["count", "b"]]]);
  const count = tool({ name: "count", description: "", parameters: z.object({}), execute: () => ++effects });
  const agent = new Agent({ name: "Counter", model, tools: [count] });
  const mortal = new MortalDatabase(database, { at: "tool:0.2:b", when: "before" });
  const run = { runId: "r", agent, input: "Count." };
  await execute(mortal, run).catch((error) => assert(error instanceof Killed));
  const before = { calls: model.calls, effects };
  const rows = await database.query("select count(*)::int as n from timestep.journal where run_id = 'r'");
  assertEquals(rows, [{ n: 3 }]);
  const outcome = await execute(database, run);
  assertEquals(outcome.finalOutput, "done");
  // The model's second answer was recorded, its call of the tool was not, and neither was the last answer.
  assertEquals({ calls: model.calls, effects }, { calls: before.calls + 1, effects: before.effects + 1 });
  const again = await execute(database, run);
  assertEquals(again, outcome);
  assertEquals(model.calls, before.calls + 1);
});

testOnEach(
  "executeRun() records the call of a tool that was found in the same response",
  async ({ database }) => {
    let lookups = 0;
    const lookup = tool({
      name: "lookup",
      description: "",
      parameters: z.object({}),
      deferLoading: true,
      execute: () => ++lookups,
    });
    const search = toolSearchTool({ execution: "client", execute: () => lookup });
    const model = new FunctionModel(({ input }) =>
      Array.isArray(input) && input.some(({ type }) => type === "function_call_result") ? [say("done")] : [
        {
          type: "tool_search_call",
          id: "s1",
          status: "completed",
          arguments: {},
          providerData: { call_id: "s1", execution: "client" },
        },
        { type: "function_call", callId: "c1", name: "lookup", arguments: "{}", status: "completed" },
      ]
    );
    const agent = new Agent({ name: "Searcher", model, tools: [search] });
    const run = { runId: "r", agent, input: "x" };
    const mortal = new MortalDatabase(database, { at: "tool:0.1:c1", when: "after" });
    await execute(mortal, run).catch((error) => assert(error instanceof Killed));
    assertEquals((await execute(database, run)).finalOutput, "done");
    assertEquals(lookups, 1);
  },
);
