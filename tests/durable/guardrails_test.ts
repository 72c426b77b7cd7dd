import { assert, assertEquals } from "@std/assert";
import { Agent, type InputGuardrail, type OutputGuardrail, tool } from "@openai/agents";
import { z } from "zod";
import { execute, killEverywhere, modelOfTurns, testOnEach, tick } from "./_durable.ts";

testOnEach(
  "executeRun() tells which guardrail blocked a run, whether it was early or late",
  async ({ database }) => {
    let checks = 0;
    for (const [name, ticks] of [["early", 0], ["late", 6]] as const) {
      const guardrail: InputGuardrail = {
        name: "No spam",
        execute: async () => {
          checks++;
          for (let done = 0; done < ticks; done++) await tick();
          return { tripwireTriggered: true, outputInfo: { reason: "spam" } };
        },
      };
      const agent = new Agent({ name, model: modelOfTurns([]), inputGuardrails: [guardrail] });
      await killEverywhere(
        database,
        (runId) => ({ runId: `${name} ${runId}`, agent, input: "spam" }),
        (outcome) => {
          assertEquals(outcome.status, "blocked");
          assertEquals(outcome.error?.name, "InputGuardrailTripwireTriggered");
          assertEquals(outcome.error?.guardrail, "No spam");
          assertEquals(outcome.error?.outputInfo, { reason: "spam" });
        },
      );
    }
    assert(checks > 0);
  },
);

testOnEach(
  "executeRun() asks each guardrail once, also when it is killed after the answer",
  async ({ database }) => {
    const asked: string[] = [];
    const passes = (name: string) => ({
      name,
      execute: async () => {
        asked.push(name);
        await tick();
        // No JSON can hold it.
        return { tripwireTriggered: false, outputInfo: { checked: 1n } };
      },
    });
    const count = tool({
      name: "count",
      description: "",
      parameters: z.object({}),
      execute: () => 1,
      inputGuardrails: [{
        name: "tool in",
        run: () => (asked.push("tool in"), Promise.resolve({ behavior: { type: "allow" as const } })),
      }],
      outputGuardrails: [{
        name: "tool out",
        run:
          () => (asked.push("tool out"),
            Promise.resolve({ behavior: { type: "rejectContent" as const, message: "no" } })),
      }],
    });
    const agent = new Agent({
      name: "Guarded",
      model: modelOfTurns([[["count", "c1"]]]),
      inputGuardrails: [passes("in"), { ...passes("in"), runInParallel: false } as InputGuardrail],
      outputGuardrails: [passes("out") as OutputGuardrail],
      tools: [count],
    });
    await killEverywhere(database, (runId) => ({ runId, agent, input: "x" }), async (outcome, dies) => {
      assertEquals(outcome.status, "completed");
      const recorded = await database.query(
        "select name from timestep.journal where run_id = $1 and kind = 'guardrail'",
        [outcome.runId],
      );
      assertEquals(
        recorded.map(({ name }) => name).toSorted(),
        ["in", "in", "out", "tool in", "tool out"],
        JSON.stringify(dies),
      );
    });
    const before = asked.length;
    await execute(database, { runId: "plain", agent, input: "x" });
    assertEquals(asked.length - before, 5);
    await execute(database, { runId: "plain", agent, input: "x" });
    assertEquals(asked.length - before, 5);
  },
);
