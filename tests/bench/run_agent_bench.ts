import { Agent, Runner, tool } from "@openai/agents";
import { assistantMessage, functionCall, ScriptedModel } from "@openai/agents-core/testing";
import { runAgent } from "@timestep-ai/timestep";
import { z } from "zod";
import { compare } from "./_ratio.ts";

const turns = 10;
const toolsPerTurn = 2;

/** Prints what `runAgent` adds to the bare `Runner.run`: 10 turns of two tools, with a model that takes no time. */
export async function bench(): Promise<void> {
  for (const stream of [false, true]) {
    const title = `runAgent against the bare Runner.run, ${turns} turns x ${toolsPerTurn} tools`;
    await compare(`${title}, ${stream ? "streaming" : "not streaming"}`, [
      { name: "Runner.run", run: () => runBare(stream) },
      { name: "runAgent", target: 1.05, run: () => runAgent(scriptedAgent(), "Go", undefined, stream) },
    ], { rounds: 41, warmUps: 5 });
  }
}

async function runBare(stream: boolean): Promise<void> {
  const runner = new Runner();
  if (!stream) {
    await runner.run(scriptedAgent(), "Go");
    return;
  }
  const result = await runner.run(scriptedAgent(), "Go", { stream: true });
  for await (const _event of result) {
    // Both read the whole stream.
  }
  await result.completed;
}

const step = tool({
  name: "step",
  description: "Takes a step.",
  parameters: z.object({ number: z.number() }),
  execute: ({ number }) => `step ${number}`,
});

function scriptedAgent(): Agent {
  const calls = Array.from({ length: turns - 1 }, (_, turn) =>
    Array.from(
      { length: toolsPerTurn },
      (_, index) => functionCall("step", { number: index }, { callId: `call_${turn}_${index}` }),
    ));
  const model = new ScriptedModel([...calls, [assistantMessage("Done.")]]);
  return new Agent({ name: "Walker", model, tools: [step] });
}
