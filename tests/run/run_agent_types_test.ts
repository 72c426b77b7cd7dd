import { Agent, RunContext, RunState } from "@openai/agents";
import { ScriptedModel } from "@openai/agents-core/testing";
import { assertEquals } from "@std/assert";
import { runAgent } from "@timestep-ai/timestep";
import { z } from "zod";
import { says } from "./_agents.ts";

const answer = says('{"degrees":21}');
const outputType = z.object({ degrees: z.number() });

/** An agent with an output of its own. */
function thermometer() {
  return new Agent({ name: "Thermometer", model: new ScriptedModel([answer, answer]), outputType });
}

Deno.test("runAgent() is typed by what the agent answers and by whether it streams", async () => {
  const agent = thermometer();
  const whole = await runAgent(agent, "How warm is it?", undefined, false);
  const streamed = await runAgent(agent, "And now?", undefined, true);
  const finished: Promise<void> = streamed.completed;
  await finished;
  const degrees: (number | undefined)[] = [whole, streamed].map((result) => result.finalOutput?.degrees);
  assertEquals(degrees, [21, 21]);
  // @ts-expect-error: without streaming there is nothing to wait for
  assertEquals(whole.completed, undefined);
});

Deno.test("runAgent() is typed by what the processor makes of the result", async () => {
  const degrees: number | undefined = await runAgent(
    thermometer(),
    "How warm is it?",
    undefined,
    false,
    ({ finalOutput }) => finalOutput?.degrees,
  );
  // @ts-expect-error: without a processor the result is not a number
  const result: number = await runAgent(thermometer(), "How warm is it?");
  assertEquals([degrees, typeof result], [21, "object"]);
});

Deno.test("runAgent() takes an agent that wants a context with the state that has it", async () => {
  const agent = new Agent<{ unit: string }>({
    name: "Thermometer",
    instructions: ({ context }) => `Answer in ${context.unit}`,
    model: new ScriptedModel([says("21")]),
  });
  const state = new RunState(new RunContext({ unit: "Celsius" }), "How warm is it?", agent, 10);
  const result = await runAgent(agent, state);
  const unit: string = result.state._context.context.unit;
  assertEquals([result.finalOutput, unit], ["21", "Celsius"]);
});

Deno.test("runAgent() gives one type for a fresh run and for one that is resumed", async () => {
  const agent = thermometer();
  let result = await runAgent(agent, "How warm is it?");
  const state: RunState<unknown, typeof agent> = await RunState.fromString(agent, result.state.toString());
  result = await runAgent(agent, state);
  assertEquals(result.finalOutput?.degrees, 21);
});
