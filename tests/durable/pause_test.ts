import { assert, assertEquals } from "@std/assert";
import { Agent, hostedMcpTool, tool } from "@openai/agents";
import { z } from "zod";
import type { Database } from "../../mod.ts";
import {
  execute,
  FunctionModel,
  Killed,
  modelOfTurns,
  MortalDatabase,
  say,
  testOnEach,
  tick,
  type ToolCallOf,
  toolResults,
} from "./_durable.ts";

/** Decides as a person would, and lets the run go on. */
async function decide(
  database: Database,
  runId: string,
  decisions: Record<string, { approve: boolean; message?: string; always?: boolean }>,
) {
  for (const [id, { approve, message, always }] of Object.entries(decisions)) {
    const rows = await database.query(
      `update timestep.interruptions set status = $3, message = $4, always = $5::bool, decided_at = now()
       where run_id = $1 and interruption_id = $2 and status = 'pending' returning 1`,
      [runId, id, approve ? "approved" : "rejected", message ?? null, always ?? false],
    );
    assertEquals(rows.length, 1, `${id} was pending`);
  }
  await database.query(
    "update timestep.runs set status = 'queued', segment = segment + 1 where run_id = $1 and status = 'interrupted'",
    [runId],
  );
}

/** What the calls of {@linkcode payTool} that the journal has as completed have done. */
async function recordedPayments(database: Database): Promise<string[]> {
  const rows = await database.query(
    "select output::text from timestep.journal where kind = 'tool' and name = 'pay' and status = 'completed'",
  );
  return rows.map(({ output }) => `pay ${/paid (\d+)/.exec(String(output))?.[1]}`);
}

function payTool(effects: string[], name = "pay") {
  return tool({
    name,
    description: "Pays.",
    parameters: z.object({ amount: z.number() }),
    needsApproval: async (_context, { amount }) => {
      await tick();
      return amount > 100;
    },
    execute: async ({ amount }) => {
      await tick();
      effects.push(`${name} ${amount}`);
      return `paid ${amount}`;
    },
  });
}

testOnEach("executeRun() pauses for approvals and goes on with the decisions", async ({ database }) => {
  const effects: string[] = [];
  const model = new FunctionModel((request) => {
    const results = toolResults(request);
    if (!("c1" in results)) {
      return [["c1", 10], ["c2", 200], ["c3", 300]].map(([callId, amount]) => ({
        type: "function_call" as const,
        callId: String(callId),
        name: "pay",
        status: "completed" as const,
        arguments: JSON.stringify({ amount }),
      }));
    }
    return [say(JSON.stringify(results))];
  });
  // What it does not say must not be missed when the run is loaded.
  const verdict = { tripwireTriggered: false, outputInfo: undefined };
  const inputGuardrails = [{ name: "Taciturn", execute: () => Promise.resolve(verdict) }];
  const agent = new Agent({ name: "Payer", model, tools: [payTool(effects)], inputGuardrails });
  const run = { runId: "r", agent, input: "Pay." };
  const paused = await execute(database, run);
  assertEquals(paused.status, "interrupted");
  assertEquals(paused.interruptions.map(({ interruptionId, toolName }) => [interruptionId, toolName]), [[
    "c2",
    "pay",
  ], ["c3", "pay"]]);
  assertEquals(paused.usage.requests, 1);
  assertEquals(effects, ["pay 10"]);
  assertEquals(await execute(database, run), paused, "executed again it only tells");

  await decide(database, "r", { c2: { approve: true }, c3: { approve: false, message: "Too much." } });
  const done = await execute(database, { ...run, segment: 1 });
  assertEquals(done.status, "completed");
  assertEquals(JSON.parse(String(done.finalOutput)), { c1: "paid 10", c2: "paid 200", c3: "Too much." });
  assertEquals(effects, ["pay 10", "pay 200"]);
  assertEquals(done.usage.requests, 2);
});

testOnEach("executeRun() goes on once with a decision, wherever it is killed", async ({ database }) => {
  for (let at = 1; at <= 4; at++) {
    for (const when of ["before", "after"] as const) {
      const effects: string[] = [];
      const agent = new Agent({
        name: `Payer ${at} ${when}`,
        model: modelOfTurns([[["pay", "c1", { amount: 200 }]], [["pay", "c2", { amount: 1 }]]]),
        tools: [payTool(effects)],
      });
      const run = { runId: `r-${at}-${when}`, agent, input: "Pay." };
      await execute(database, run);
      await decide(database, run.runId, { c1: { approve: true } });
      const mortal = new MortalDatabase(database, { at, when });
      await execute(mortal, { ...run, segment: 1 }).catch((error) => {
        if (!(error instanceof Killed)) throw error;
      });
      const recorded = await database.query(
        "select name, key from timestep.journal where run_id = $1 and kind = 'tool' and status = 'completed'",
        [run.runId],
      );
      const before = effects.length;
      const done = await execute(database, { ...run, segment: 1 });
      assertEquals([done.status, done.finalOutput], ["completed", "done"]);
      assertEquals(effects.length - before, 2 - recorded.length, "what was recorded was not done again");
      assertEquals(done.usage.requests, 3);
    }
  }
});

testOnEach(
  "executeRun() pauses and goes on inside of agents used as tools, three deep",
  async ({ database }) => {
    const effects: string[] = [];
    const pay = payTool(effects);
    const third = new Agent({
      name: "Third",
      model: modelOfTurns([[["pay", "p1", { amount: 1 }], ["pay", "p2", { amount: 500 }]]], "third"),
      tools: [pay],
    });
    const second = new Agent({
      name: "Second",
      model: modelOfTurns([[["third", "s1", { input: "?" }], ["pay", "s2", { amount: 600 }]]], "second"),
      tools: [third.asTool({ toolName: "third", toolDescription: "" }), pay],
    });
    const first = new Agent({
      name: "First",
      model: modelOfTurns([[["second", "f1", { input: "?" }]]], "first"),
      tools: [second.asTool({ toolName: "second", toolDescription: "" })],
    });
    const run = { runId: "r", agent: first, input: "Go." };
    const paused = await execute(database, run);
    assertEquals(
      paused.interruptions.map(({ interruptionId, agentName }) => [interruptionId, agentName]).toSorted(),
      [["Second:s2", "Second"], ["Third:p2", "Third"]],
    );
    await decide(database, "r", { "Third:p2": { approve: true }, "Second:s2": { approve: true } });
    const mortal = new MortalDatabase(database, { at: 3, when: "after" });
    await execute(mortal, { ...run, segment: 1 }).catch((error) => {
      if (!(error instanceof Killed)) throw error;
    });
    const recorded = await recordedPayments(database);
    const done = await execute(database, { ...run, segment: 1 });
    assertEquals([done.status, done.finalOutput], ["completed", "first"]);
    const all = ["pay 1", "pay 500", "pay 600"];
    for (const effect of all) {
      const times = effects.filter((done) => done === effect).length;
      // What was under way when the process was killed may have been done, and is done again.
      const most = recorded.includes(effect) ? 1 : 2;
      assert(times >= 1 && times <= most, `${effect}: ${times} times, at most ${most}`);
    }
    assertEquals((await recordedPayments(database)).toSorted(), all);
  },
);

testOnEach(
  "executeRun() does not take an approval to be about another call of the same id",
  async ({ database }) => {
    const effects: string[] = [];
    const asked = (input: unknown) => Number(JSON.stringify(input).match(/\d+/)?.[0]);
    const model = new FunctionModel((request) => {
      if ("same" in toolResults(request)) return [say("paid")];
      const args = JSON.stringify({ amount: asked(request.input) });
      return [{ type: "function_call", callId: "same", name: "pay", status: "completed", arguments: args }];
    });
    const inner = new Agent({ name: "Inner", model, tools: [payTool(effects)] });
    for (const second of [500, 600]) {
      const turns = [[["inner", "o1", { input: "500" }]], [["inner", "o2", {
        input: String(second),
      }]]] satisfies ToolCallOf[][];
      const outer = new Agent({
        name: `Outer ${second}`,
        model: modelOfTurns(turns, "outer"),
        tools: [inner.asTool({ toolName: "inner", toolDescription: "" })],
      });
      const run = { runId: `r${second}`, agent: outer, input: "Go." };
      await execute(database, run);
      await decide(database, run.runId, { "Inner:same": { approve: true } });
      const outcome = await execute(database, { ...run, segment: 1 });
      // Another call with other arguments is refused by the SDK already, as an error of the agent that was called.
      const expected = second === 500 ? ["failed", "approval_reused"] : ["completed", undefined];
      assertEquals([outcome.status, outcome.error?.code], expected);
      assertEquals(effects.splice(0), ["pay 500"]);
    }
  },
);

testOnEach("executeRun() pauses for the approvals of a hosted MCP server", async ({ database }) => {
  const request = (id: string) => ({
    type: "hosted_tool_call" as const,
    id,
    name: "send_mail",
    status: "in_progress" as const,
    arguments: "{}",
    providerData: {
      type: "mcp_approval_request",
      id,
      server_label: "mail",
      name: "send_mail",
      arguments: "{}",
    },
  });
  const model = new FunctionModel(({ input }) => {
    const items = Array.isArray(input) ? input : [];
    const responses = items.flatMap((item) =>
      item.type === "hosted_tool_call" && item.name === "mcp_approval_response" ? [item.providerData] : []
    );
    if (responses.length === 0) return [request("m1"), request("m2")];
    return [say(JSON.stringify(responses.map((data) => data?.["approve"])))];
  });
  const mail = hostedMcpTool({
    serverLabel: "mail",
    serverUrl: "https://mail.example",
    requireApproval: "always",
  });
  const run = { runId: "r", agent: new Agent({ name: "Mailer", model, tools: [mail] }), input: "Send." };
  const paused = await execute(database, run);
  assertEquals(paused.interruptions.map(({ kind, toolName }) => [kind, toolName]), [
    ["hosted_tool_call", "send_mail"],
    ["hosted_tool_call", "send_mail"],
  ]);
  const [first = "", second = ""] = paused.interruptions.map(({ interruptionId }) => interruptionId);
  await decide(database, "r", { [first]: { approve: true }, [second]: { approve: false } });
  const done = await execute(database, { ...run, segment: 1 });
  assertEquals([done.status, done.finalOutput], ["completed", "[true,false]"]);
});

testOnEach(
  "executeRun() fails rather than ask for an approval that it could not go on with",
  async ({ database }) => {
    const effects: string[] = [];
    const agent = new Agent({
      name: "Payer",
      model: modelOfTurns([[["pay", "c1", { amount: 1 }], ["pay", "c2", { amount: 200 }]]]),
      tools: [payTool(effects)],
      toolUseBehavior: "stop_on_first_tool",
      outputGuardrails: [{
        name: "Lenient",
        execute: () => Promise.resolve({ tripwireTriggered: false, outputInfo: null }),
      }],
    });
    const run = { runId: "r", agent, input: "Pay.", sessionId: "s" };
    const outcome = await execute(database, run);
    assertEquals([outcome.status, outcome.error?.code], ["failed", "pause_not_resumable"]);
    assertEquals(await database.query("select from timestep.interruptions"), []);
    assertEquals(await execute(database, run), outcome);
  },
);
