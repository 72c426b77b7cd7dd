import { assertEquals, assertThrows } from "@std/assert";
import { Agent, type AgentInputItem, type ModelRequest, tool, Usage } from "@openai/agents";
import { assistantMessage, functionCall } from "@openai/agents-core/testing";
import { z } from "zod";
import { serveAgents } from "../../mod.ts";
import { inProcessTest } from "./_in_process.ts";

inProcessTest("serveAgents() ends a run after maxTurns, as incomplete", async (serve) => {
  const agent = walker();
  const model = agent.name;
  const byDefault = serve({ agents: [agent] });
  const ofThree = serve({ agents: [agent], maxTurns: { [model]: 3 } });
  const ofTwelve = serve({ agents: [agent], maxTurns: 12 });
  const unlimited = serve({ agents: [agent], maxTurns: null });

  const ends: unknown[][] = [];
  for (const client of [byDefault, ofThree, ofTwelve, unlimited]) {
    const { status, incomplete_details: details, error, output } = await client.responses.create({
      model,
      input: "Walk 13 steps.",
    });
    const steps = output.filter((item) => item.type === "mcp_call" && item.status === "completed").length;
    ends.push([status, details?.reason, error, steps]);
  }
  assertEquals(ends, [
    ["incomplete", "max_turns", null, 10],
    ["incomplete", "max_turns", null, 3],
    ["incomplete", "max_turns", null, 12],
    ["completed", undefined, null, 13],
  ]);

  const stream = ofThree.responses.stream({ model, input: "Walk 4 steps." });
  const types: string[] = [];
  for await (const { type } of stream) types.push(type);
  assertEquals(types.at(-1), "response.incomplete");
  const { id } = await stream.finalResponse();
  assertEquals((await ofThree.responses.retrieve(id)).status, "incomplete");
  // It is over: the conversation goes on.
  const next = await ofThree.responses.create({ model, input: "Walk 2 steps.", previous_response_id: id });
  assertEquals([next.status, next.output_text], ["completed", "2 steps."]);
});

Deno.test("serveAgents() refuses a maxTurns that means nothing", () => {
  const agent = walker();
  for (const maxTurns of [0, 1.5, NaN, { [agent.name]: -1 }]) {
    assertThrows(() => serveAgents({ agents: [agent], maxTurns }), RangeError, "not a positive integer");
  }
  assertThrows(() => serveAgents({ agents: [agent], maxTurns: { Nobody: 3 } }), TypeError, '"Nobody"');
});

/** Takes as many steps as it is told to, one a turn. */
function walker(): Agent {
  const step = tool({ name: "step", description: "", parameters: z.object({}), execute: () => "done" });
  const answer = ({ input }: ModelRequest) => {
    const items: AgentInputItem[] = typeof input === "string" ? [{ role: "user", content: input }] : input;
    const asked = items.findLastIndex((item) => "role" in item && item.role === "user");
    const [, wanted] = /Walk (\d+) steps/.exec(JSON.stringify(items[asked])) ?? [];
    const taken = items.slice(asked).filter(({ type }) => type === "function_call_result").length;
    return taken < Number(wanted)
      ? [functionCall("step", {}, { callId: crypto.randomUUID() })]
      : [assistantMessage(`${taken} steps.`)];
  };
  const usage = { requests: 1, inputTokens: 1, outputTokens: 1, totalTokens: 2 };
  return new Agent({
    name: `Walker ${crypto.randomUUID()}`,
    tools: [step],
    model: {
      getResponse: (request) => Promise.resolve({ usage: new Usage(usage), output: answer(request) }),
      async *getStreamedResponse(request) {
        const response = { id: crypto.randomUUID(), usage, output: answer(request) };
        yield { type: "response_done", response };
      },
    },
  });
}
