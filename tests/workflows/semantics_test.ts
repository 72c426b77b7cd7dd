import { assert, assertEquals, assertRejects } from "@std/assert";
import { Agent, type AgentInputItem, type AgentOptions, type OutputGuardrail, tool } from "@openai/agents";
import { z } from "zod";
import {
  cancelRun,
  ContextNotSerializableError,
  DatabaseSession,
  getRun,
  type JsonValue,
  queueAgentWorkflow,
  readRunEvents,
  runAgentWorkflow,
  shutdownDBOS,
} from "../../mod.ts";
import { FunctionModel, modelOfTurns, say, type ToolCallOf, toolResults } from "../durable/_durable.ts";
import { uniqueName, workflowTest } from "./_workflows.ts";

// What a run is expected to do whoever makes it durable: what the tests of other engines ask of theirs.

const NOTHING = z.object({});

/** An agent whose model makes these calls, one turn after the other. */
function caller(turns: ToolCallOf[][], options: Partial<AgentOptions> = {}): Agent {
  return new Agent({ name: uniqueName("Caller"), model: modelOfTurns(turns), ...options });
}

/** What the tools have given, as the model is told in a last call that this agent makes. */
function teller(turn: ToolCallOf[], options: Partial<AgentOptions> = {}): Agent {
  const model = new FunctionModel((request) => {
    const results = toolResults(request);
    if (Object.keys(results).length === 0) {
      return turn.map(([name, callId, args = {}]) => ({
        type: "function_call" as const,
        callId,
        name,
        status: "completed" as const,
        arguments: JSON.stringify(args),
      }));
    }
    return [say(JSON.stringify(results))];
  });
  return new Agent({ name: uniqueName("Teller"), model, ...options });
}

workflowTest("runAgentWorkflow() streams into the run's events, and so do runs of a queue", async () => {
  const text = "A long answer, given bit by bit.";
  const agent = new Agent({ name: uniqueName("Talker"), model: new FunctionModel(() => [say(text)]) });
  const options = { agent, inputItems: "Talk.", stream: true };
  const { runId, finalOutput } = await runAgentWorkflow(options);
  const handle = await queueAgentWorkflow(options);
  assertEquals([finalOutput, (await handle.getResult()).finalOutput], [text, text]);
  for (const id of [runId, handle.workflowId]) {
    const deltas = [];
    for await (const event of readRunEvents(id)) {
      if (event.type === "model_delta") deltas.push(z.object({ delta: z.string() }).parse(event.event).delta);
    }
    assert(deltas.length > 1);
    assertEquals(deltas.join(""), text);
  }
});

workflowTest("runAgentWorkflow() tells the model what a tool threw", async () => {
  let calls = 0;
  const fail = tool({
    name: "fail",
    description: "",
    parameters: NOTHING,
    execute: () => {
      calls++;
      throw new Error("Out of paper.");
    },
    errorFunction: (_context, error) => `Sorry: ${error instanceof Error ? error.message : error}`,
  });
  const result = await runAgentWorkflow({
    agent: teller([["fail", "c1"]], { tools: [fail] }),
    inputItems: "Go.",
  });
  assertEquals([result.status, calls], ["completed", 1]);
  assertEquals(result.finalOutput, '{"c1":"Sorry: Out of paper."}');
});

workflowTest("runAgentWorkflow() fails a run that takes too many turns", async () => {
  const count = tool({ name: "count", description: "", parameters: NOTHING, execute: () => 1 });
  const agent = caller([[["count", "a"]], [["count", "b"]], [["count", "c"]]], { tools: [count] });
  const result = await runAgentWorkflow({ agent, inputItems: "Go.", maxTurns: 2 });
  assertEquals([result.status, result.error?.name], ["failed", "MaxTurnsExceededError"]);
  assertEquals(result.usage.requests, 2);
  const unlimited = await runAgentWorkflow({ agent, inputItems: "Go.", maxTurns: null });
  assertEquals(unlimited.status, "completed");
});

workflowTest("runAgentWorkflow() gives structured output as data", async () => {
  const weather = { city: "Oakland", degrees: 20, tags: ["dry"] };
  const agent = new Agent({
    name: uniqueName("Structured"),
    model: new FunctionModel(() => [say(JSON.stringify(weather))]),
    outputType: z.object({ city: z.string(), degrees: z.number(), tags: z.array(z.string()) }),
  });
  const { status, finalOutput, runId } = await runAgentWorkflow({ agent, inputItems: "Weather?" });
  assertEquals([status, finalOutput], ["completed", weather]);
  assertEquals((await getRun(runId)).finalOutput, weather);
});

workflowTest(
  "runAgentWorkflow() takes items, images and all, and gives images of tools to the model",
  async () => {
    const requests: AgentInputItem[][] = [];
    const image = {
      type: "image" as const,
      image: { data: new Uint8Array([1, 2, 3]), mediaType: "image/png" },
    };
    const shoot = tool({ name: "shoot", description: "", parameters: NOTHING, execute: () => image });
    const model = new FunctionModel(({ input }) => {
      if (typeof input !== "string") requests.push(structuredClone(input));
      const done = JSON.stringify(input).includes("function_call_result");
      return done
        ? [say("Nice.")]
        : [{ type: "function_call", callId: "c1", name: "shoot", arguments: "{}", status: "completed" }];
    });
    const agent = new Agent({ name: uniqueName("Camera"), model, tools: [shoot] });
    const inputItems: AgentInputItem[] = [{
      role: "user",
      content: [
        { type: "input_text", text: "Like this." },
        { type: "input_image", image: "data:image/png;base64,AAAA" },
      ],
    }];
    assertEquals((await runAgentWorkflow({ agent, inputItems })).finalOutput, "Nice.");
    const [first, second] = requests.map((request) => JSON.stringify(request));
    assert(first?.includes("data:image/png;base64,AAAA"), first);
    assert(second?.includes("data:image/png;base64,AQID"), second);
  },
);

workflowTest(
  "runAgentWorkflow() gives status blocked when a guardrail trips, wherever it stands",
  async () => {
    const trips = { tripwireTriggered: true, outputInfo: { why: "secret" } };
    const outputGuardrail: OutputGuardrail = { name: "out", execute: () => Promise.resolve(trips) };
    const act = (place: "inputGuardrails" | "outputGuardrails") =>
      tool({
        name: "act",
        description: "",
        parameters: NOTHING,
        execute: () => "acted",
        [place]: [{
          name: place,
          run: () =>
            Promise.resolve({ behavior: { type: "throwException" as const }, outputInfo: { why: "secret" } }),
        }],
      });
    const agents: [string, Agent][] = [
      ["in", caller([], { inputGuardrails: [{ name: "in", execute: () => Promise.resolve(trips) }] })],
      ["out", caller([], { outputGuardrails: [outputGuardrail] })],
      ["inputGuardrails", caller([[["act", "c1"]]], { tools: [act("inputGuardrails")] })],
      ["outputGuardrails", caller([[["act", "c1"]]], { tools: [act("outputGuardrails")] })],
    ];
    for (const [guardrail, agent] of agents) {
      const result = await runAgentWorkflow({ agent, inputItems: "Go." });
      assertEquals([result.status, result.error?.guardrail], ["blocked", guardrail]);
      assertEquals(result.error?.outputInfo, { why: "secret" });
    }
  },
);

workflowTest("runAgentWorkflow() refuses a context that no other process could have", async () => {
  class Account {
    balance = 1;
  }
  const agent = caller([]);
  for (
    const [context, place] of [
      [new Account(), "context is a Account"],
      [{ account: new Account() }, "context.account is a Account"],
      [{ since: new Date() }, "context.since is a Date"],
      [{ rate: NaN }, "context.rate is NaN"],
      [{ log: () => {} }, "context.log is function"],
    ] as [unknown, string][]
  ) {
    const start = () => runAgentWorkflow({ agent, inputItems: "Go.", context: context as JsonValue });
    await assertRejects(start, ContextNotSerializableError, place);
  }
});

workflowTest(
  "runAgentWorkflow() keeps runs of one session whole that are under way at once",
  async ({ database }) => {
    const count = tool({ name: "count", description: "", parameters: NOTHING, execute: () => 1 });
    const agent = caller([[["count", "c1"]]], { tools: [count] });
    const session = new DatabaseSession({ sessionId: "shared", database });
    const runs = ["a", "b", "c", "d"].map((inputItems) => runAgentWorkflow({ agent, inputItems, session }));
    assertEquals((await Promise.all(runs)).map(({ status }) => status), Array(4).fill("completed"));
    const items = await session.getItems();
    const [calls, results] = ["function_call", "function_call_result"].map((type) =>
      items.filter((item) => item.type === type).length
    );
    assertEquals(calls, results);
    assertEquals(
      items.flatMap((item) => "role" in item && item.role === "user" ? [item.content] : []).length,
      4,
    );
  },
);

workflowTest(
  "cancelRun() ends a run in the middle of a tool, whose result counts no more",
  async ({ database }) => {
    const begun = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const slow = tool({
      name: "slow",
      description: "",
      parameters: NOTHING,
      execute: async () => {
        begun.resolve();
        await goOn.promise;
        return "late";
      },
    });
    const agent = caller([[["slow", "c1"]]], { tools: [slow] });
    const running = runAgentWorkflow({ agent, inputItems: "Go.", workflowId: "cancelled" });
    await begun.promise;
    await cancelRun("cancelled");
    assertEquals((await running).status, "cancelled");
    goOn.resolve();
    // Nothing is under way any more after it.
    await shutdownDBOS();
    const rows = await database.query(
      "select from timestep.journal where run_id = 'cancelled' and kind = 'tool'",
    );
    assertEquals(rows.length, 0);
  },
);
