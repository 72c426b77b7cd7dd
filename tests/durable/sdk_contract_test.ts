import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { Agent, handoff, type MCPServer, Runner, RunState, tool } from "@openai/agents";
import { z } from "zod";
import type { JsonValue } from "../../mod.ts";
import { runInScope, Scope } from "../../src/durable/scope.ts";
import type { Execution } from "../../src/durable/execution.ts";
import { accelerateSdk } from "../../src/durable/sdk/accelerate.ts";
import { agentOfTool, decidesApproval } from "../../src/agents/tool_registries.ts";
import {
  approve,
  execute,
  FunctionModel,
  Killed,
  modelOfTurns,
  MortalDatabase,
  say,
  testOnEach,
  toolResults,
} from "./_durable.ts";

// What this module relies on in the inside of the SDK. If an update of the SDK breaks one of these, src/durable/sdk has
// to be looked at before anything else.

Deno.test("the SDK knows which agent is behind a tool, and which approvals are constants", () => {
  const agent = new Agent({ name: "A" });
  const options = { name: "t", description: "", parameters: z.object({}), execute: () => "" };
  assertStrictEquals(agentOfTool(agent.asTool({ toolName: "a", toolDescription: "" })), agent);
  assertEquals(agentOfTool(tool(options)), undefined);
  assertEquals(decidesApproval(tool(options)), false);
  assertEquals(decidesApproval(tool({ ...options, needsApproval: true })), false);
  assertEquals(decidesApproval(tool({ ...options, needsApproval: () => Promise.resolve(true) })), true);
});

Deno.test("the SDK has the methods and fields that are replaced or read", () => {
  assertEquals(typeof Runner.prototype.run, "function");
  assertEquals(typeof Agent.prototype.getAllTools, "function");
  assertEquals(typeof Agent.prototype.getEnabledHandoffs, "function");
  assertEquals(typeof RunState.prototype.recordToolSearchRuntimeTools, "function");
  const runner = new Runner({
    inputGuardrails: [{
      name: "g",
      execute: () => Promise.resolve({ tripwireTriggered: false, outputInfo: 1 }),
    }],
  });
  const { inputGuardrailDefs, outputGuardrailDefs } = runner as unknown as Record<
    string,
    { name: string; run: unknown }[]
  >;
  assertEquals(inputGuardrailDefs?.map(({ name, run }) => [name, typeof run]), [["g", "function"]]);
  assertEquals(outputGuardrailDefs, []);
});

testOnEach(
  "a tool that is instrumented gets parsed arguments, in needsApproval, too",
  async ({ database }) => {
    const seen: unknown[] = [];
    const parse = tool({
      name: "parse",
      description: "",
      parameters: z.object({ text: z.string().toUpperCase() }),
      needsApproval: (_context, input) => {
        seen.push(input);
        return Promise.resolve(false);
      },
      execute: (input) => {
        seen.push(input);
        return "ok";
      },
    });
    const agent = new Agent({
      name: "A",
      model: modelOfTurns([[["parse", "c1", { text: "x" }]]]),
      tools: [parse],
    });
    assertEquals((await execute(database, { runId: "r", agent, input: "x" })).status, "completed");
    assertEquals(seen, [{ text: "X" }, { text: "X" }]);
  },
);

testOnEach(
  "a tool of an MCP server is a step",
  async ({ database }) => {
    const calls: unknown[] = [];
    const server = {
      name: "mcp",
      cacheToolsList: false,
      connect: () => Promise.resolve(),
      close: () => Promise.resolve(),
      invalidateToolsCache: () => Promise.resolve(),
      listTools: () =>
        Promise.resolve([{
          name: "add",
          description: "",
          inputSchema: {
            type: "object" as const,
            properties: { n: { type: "number" } },
            required: ["n"],
            additionalProperties: false,
          },
        }]),
      callTool: (name: string, args: unknown) => {
        calls.push([name, args]);
        return Promise.resolve([{ type: "text", text: "3" }]);
      },
    } as unknown as MCPServer;
    const model = new FunctionModel((request) => {
      const results = toolResults(request);
      return "c1" in results
        ? [say("done")]
        : [{ type: "function_call", callId: "c1", name: "add", arguments: '{"n":1}', status: "completed" }];
    });
    const agent = new Agent({ name: "A", model, mcpServers: [server] });
    const run = { runId: "r", agent, input: "x" };
    const mortal = new MortalDatabase(database, { at: "tool:0.1:c1", when: "after" });
    await execute(mortal, run).catch((error) => assert(error instanceof Killed));
    assertEquals((await execute(database, run)).status, "completed");
    assertEquals(calls, [["add", { n: 1 }]], "recorded, and not called again");
  },
);

testOnEach(
  "a tool that was enabled when the model called it is called after a crash, whatever it is now",
  async ({ database }) => {
    let enabled = true;
    let calls = 0;
    const now = tool({
      name: "now",
      description: "",
      parameters: z.object({}),
      isEnabled: () => enabled,
      execute: () => ++calls,
    });
    const agent = new Agent({ name: "A", model: modelOfTurns([[["now", "c1"]]]), tools: [now] });
    const run = { runId: "r", agent, input: "x" };
    const mortal = new MortalDatabase(database, { at: 1, when: "after" });
    await execute(mortal, run).catch((error) => assert(error instanceof Killed));
    enabled = false;
    const outcome = await execute(database, run);
    assertEquals([outcome.status, calls > 0], ["completed", true]);
  },
);

testOnEach(
  "a handoff that was enabled when the model asked for it is made after a crash, whatever it is now",
  async ({ database }) => {
    let enabled = true;
    const closer = new Agent({ name: "Closer", model: new FunctionModel(() => [say("closed")]) });
    const agent = new Agent({
      name: "A",
      model: modelOfTurns([[["transfer_to_Closer", "h1"]]]),
      handoffs: [handoff(closer, { isEnabled: () => enabled })],
    });
    const run = { runId: "r", agent, input: "x" };
    const mortal = new MortalDatabase(database, { at: "model:0.1", when: "after" });
    await execute(mortal, run).catch((error) => assert(error instanceof Killed));
    enabled = false;
    const outcome = await execute(database, run);
    assertEquals([outcome.status, outcome.finalOutput], ["completed", "closed"]);
  },
);

testOnEach(
  "a tool that was enabled when it was approved is called once, whatever it is now",
  async ({ database }) => {
    let enabled = true;
    let calls = 0;
    const pay = tool({
      name: "pay",
      description: "",
      parameters: z.object({}),
      needsApproval: true,
      isEnabled: () => enabled,
      execute: () => ++calls,
    });
    const agent = new Agent({ name: "A", model: modelOfTurns([[["pay", "c1"]]]), tools: [pay] });
    const run = { runId: "r", agent, input: "x" };
    assertEquals((await execute(database, run)).status, "interrupted");
    await approve(database, run.runId);
    enabled = false;
    const mortal = new MortalDatabase(database, { at: "model:1.1", when: "after" });
    await execute(mortal, { ...run, segment: 1 }).catch((error) => assert(error instanceof Killed));
    const outcome = await execute(database, { ...run, segment: 1 });
    assertEquals([outcome.status, outcome.finalOutput, calls, outcome.error?.message], [
      "completed",
      "done",
      1,
      undefined,
    ]);
  },
);

const inScope = <T>(body: () => T): T => runInScope(new Scope({} as Execution, "0."), body);

Deno.test("accelerateSdk() copies as structuredClone does, inside of a durable run, and is gone afterwards", () => {
  const { structuredClone: nativeClone } = globalThis;
  const { stringify } = JSON;
  const release = accelerateSdk();
  const nested = accelerateSdk();
  const values: unknown[] = [
    { a: [1, { b: null, c: undefined }], d: "x" },
    [undefined, -0, NaN],
    new Date(0),
    { m: new Map([[1, 2]]) },
    new Uint8Array([1, 2]),
    Object.create(null),
    "text",
    7n,
    [, 1],
    JSON.parse('{"__proto__": {"x": 1}}'),
  ];
  const loop: Record<string, unknown> = {};
  loop.self = loop;
  try {
    for (const value of values) {
      const copy = inScope(() => globalThis.structuredClone(value));
      assertEquals(copy, nativeClone(value));
      if (typeof value === "object") assert(copy !== value);
    }
    const copy = inScope(() => globalThis.structuredClone(loop));
    assertStrictEquals(copy.self, copy);
    assertThrows(() => inScope(() => globalThis.structuredClone({ f: () => {} })), DOMException);
    nested();
    nested();
    assert(globalThis.structuredClone !== nativeClone, "the other one still needs it");
  } finally {
    release();
  }
  assertStrictEquals(globalThis.structuredClone, nativeClone);
  assertStrictEquals(JSON.stringify, stringify);
});

Deno.test("accelerateSdk() gives the JSON texts that JSON.stringify gives, however often it is asked", () => {
  const { stringify } = JSON;
  const odd = 'a "\\\u0000\ud800 ü';
  const values: unknown[] = [
    ["call", "c1"],
    ["result", "c1"],
    ["call", "function_call", "c1"],
    ["call", "function", "call_c1"],
    ["c1", "call"],
    [odd, odd],
    [odd, "x", odd],
    ["c1"],
    ["a", "b", "c", "d"],
    ["a", 1],
    ["a", undefined, "b"],
    Object.assign(["a", "b"], { toJSON: () => "other" }),
    { a: ["call", "c1"] },
    "text",
  ];
  const release = accelerateSdk();
  try {
    for (const value of [...values, ...values]) {
      assertEquals(inScope(() => JSON.stringify(value)), stringify(value));
      assertEquals(inScope(() => JSON.stringify(value, undefined, 2)), stringify(value, undefined, 2));
    }
    assertEquals(JSON.stringify(["call", "c1"]), '["call","c1"]');
  } finally {
    release();
  }
});

Deno.test("accelerateSdk() meets the comparisons of the SDK", async () => {
  const replacers = new Set<string>();
  const { stringify } = JSON;
  JSON.stringify = ((value: unknown, replacer?: { name: string }, space?: number) => {
    if (typeof replacer === "function") replacers.add(replacer.name);
    return (stringify as (...parameters: unknown[]) => string)(value, replacer, space);
  }) as typeof JSON.stringify;
  try {
    const count = tool({ name: "count", description: "", parameters: z.object({}), execute: () => 1 });
    const agent = new Agent({ name: "A", model: modelOfTurns([[["count", "c1"]]]), tools: [count] });
    await new Runner({ tracingDisabled: true }).run(agent, "x");
  } finally {
    JSON.stringify = stringify;
  }
  assert(replacers.has("agentInputSerializationReplacer"), `the SDK uses ${[...replacers]}`);
});

testOnEach("a durable run is sent and gives the same as a plain one", async ({ database }) => {
  const make = (requests: JsonValue[]) => {
    const count = tool({
      name: "count",
      description: "Counts.",
      parameters: z.object({ n: z.number() }),
      execute: ({ n }) => ({ n }),
    });
    const turns = modelOfTurns([[["count", "a", { n: 1 }], ["count", "b", { n: 2 }]], [["count", "c", {
      n: 3,
    }]]]);
    const model = new FunctionModel(async (request) => {
      const { signal: _signal, _internal, ...rest } = request as typeof request & { _internal?: unknown };
      requests.push(JSON.parse(JSON.stringify(rest)));
      return (await turns.getResponse(request)).output;
    });
    return new Agent({ name: "A", instructions: "Count.", model, tools: [count] });
  };
  const durable: JsonValue[] = [];
  const plain: JsonValue[] = [];
  const outcome = await execute(database, { runId: "r", agent: make(durable), input: "x" });
  const result = await new Runner().run(make(plain), "x");
  assertEquals(durable, plain);
  assertEquals(outcome.finalOutput, result.finalOutput as JsonValue);
  assertEquals(outcome.usage.totalTokens, result.state.usage.totalTokens);
});
