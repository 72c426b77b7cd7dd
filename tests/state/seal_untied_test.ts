import { Agent, MemorySession } from "@openai/agents";
import { functionCall, ScriptedModel } from "@openai/agents-core/testing";
import { assert, assertEquals } from "@std/assert";
import { runAgent } from "@timestep-ai/timestep";
import { weatherAgent } from "./_runs.ts";
import { fileTarget } from "./store_target.ts";

/** The SDK saves such a run, too, but does not load it again. */
for (const stream of [false, true]) {
  Deno.test(`load() gives a run whose results are held back from its session (stream: ${stream})`, async () => {
    const cities = ["Oakland", "Berkeley", "Davis"];
    const calls = cities.map((city) => functionCall("get_weather", { city }, { callId: city }));
    const { agent: { tools }, told } = weatherAgent();
    const agent = new Agent({
      name: "Assistant",
      model: new ScriptedModel([calls]),
      tools,
      toolUseBehavior: "stop_on_first_tool",
      outputGuardrails: [{
        name: "Lenient",
        execute: () => Promise.resolve({ tripwireTriggered: false, outputInfo: null }),
      }],
    });
    await using place = await fileTarget.create();
    const session = new MemorySession();
    let { state } = await runAgent(agent, "Weather?", session, stream as false);
    for (const decision of ["approve", "reject", "approve"] as const) {
      await place.store(agent).save(state);
      state = await place.store(agent).load();
      const [interruption] = state.getInterruptions();
      assert(interruption);
      state[decision](interruption);
      ({ state } = await runAgent(agent, state, session, stream as false));
    }
    assertEquals([state.getInterruptions(), told], [[], ["Oakland", "Davis"]]);
    const [input, ...items] = (await session.getItems()).map((item) =>
      "callId" in item ? [item.type, item.callId] : item
    );
    assertEquals(input, { type: "message", role: "user", content: "Weather?" });
    assertEquals(items, [
      ...cities.map((city) => ["function_call", city]),
      ...cities.map((city) => ["function_call_result", city]),
    ]);
  });
}
