import { assert, assertEquals } from "@std/assert";
import { Agent, type RunContext, tool } from "@openai/agents";
import { z } from "zod";
import { ContextTracker } from "../../src/durable/context_tracker.ts";
import type { JsonValue } from "../../mod.ts";
import { execute, killEverywhere, modelOfTurns, testOnEach, tick } from "./_durable.ts";

interface Notes {
  count: number;
  log: string[];
  nested: { last?: string };
}

testOnEach(
  "executeRun() restores what tools change in the run context, wherever it is killed",
  async ({ database }) => {
    const note = tool({
      name: "note",
      description: "",
      parameters: z.object({ text: z.string(), ticks: z.number() }),
      execute: async ({ text, ticks }, runContext?: RunContext<Notes>) => {
        assert(runContext);
        for (let done = 0; done < ticks; done++) await tick();
        const { context } = runContext;
        context.count++;
        context.log.push(text);
        context.nested.last = text;
        return `noted ${text}`;
      },
    });
    const report = tool({
      name: "report",
      description: "",
      parameters: z.object({}),
      execute: (_input, runContext?: RunContext<Notes>) => JSON.stringify(runContext?.context),
    });
    const agent = new Agent<Notes>({
      name: "Noter",
      model: modelOfTurns([
        [["note", "c1", { text: "a", ticks: 3 }], ["note", "c2", { text: "b", ticks: 1 }]],
        [["note", "c3", { text: "c", ticks: 0 }]],
        [["report", "c4"]],
      ]),
      tools: [note, report],
      toolUseBehavior: { stopAtToolNames: ["report"] },
    });
    const context = { count: 0, log: [], nested: {} } satisfies JsonValue;
    const places = await killEverywhere(
      database,
      (runId) => ({ runId, agent, input: "Go.", context }),
      (outcome, dies) => {
        assertEquals(
          JSON.parse(String(outcome.finalOutput)),
          { count: 3, log: ["b", "a", "c"], nested: { last: "c" } },
          JSON.stringify(dies),
        );
      },
    );
    assert(places >= 4, `there were only ${places} writes to die at`);
  },
);

testOnEach(
  "executeRun() fails a run that puts into its context what JSON cannot hold",
  async ({ database }) => {
    const spoil = tool({
      name: "spoil",
      description: "",
      parameters: z.object({}),
      execute: (_input, runContext?: RunContext<{ seen?: unknown }>) => {
        if (runContext) runContext.context.seen = new Map();
        return "ok";
      },
    });
    const agent = new Agent<{ seen?: unknown }>({
      name: "Spoiler",
      model: modelOfTurns([[["spoil", "c1"]]]),
      tools: [spoil],
    });
    const outcome = await execute(database, { runId: "r", agent, input: "Go.", context: {} });
    assertEquals([outcome.status, outcome.error?.code], ["failed", "context_not_serializable"]);
    assert(outcome.error?.message.includes("context.seen is a Map"));
  },
);

const VALUES: JsonValue[] = [
  null,
  0,
  "text",
  [],
  {},
  [1, 2, 3],
  [1, 2],
  [1, 2, 3, 4],
  [4, 3, 2, 1],
  { a: 1 },
  { a: 2, b: { c: [1] } },
  { b: { c: [1, { d: null }] } },
  { a: null },
  [[1], [2]],
  [[1, 2], []],
  { a: { a: { a: 1 } } },
  { a: [] },
  // A key like others, in JSON.
  JSON.parse('{"a":{"__proto__":{"b":1}}}'),
];

Deno.test("ContextTracker makes any change again", () => {
  for (const before of VALUES) {
    for (const after of VALUES) {
      const original = { context: structuredClone(before) as unknown };
      const tracker = new ContextTracker(original);
      original.context = structuredClone(after);
      const patch = tracker.changes(original);
      const restored = { context: structuredClone(before) as unknown };
      if (patch) new ContextTracker(restored).apply(restored, JSON.parse(JSON.stringify(patch)));
      assertEquals(restored.context, after, `${JSON.stringify(before)} to ${JSON.stringify(after)}`);
      assertEquals(tracker.changes(original), undefined, "a change is told once");
    }
  }
});
