import { assertEquals } from "@std/assert";
import { Agent, tool } from "@openai/agents";
import { z } from "zod";
import { MultiModelProvider } from "@timestep-ai/timestep";
import { type ModelTurn, OpenAIStandIn, type ScriptedItem } from "../openai_stand_in/mod.ts";
import { emptyEnvironment } from "./_environment.ts";
import type { OllamaRequest } from "./_ollama_request.ts";
import { OllamaStandIn } from "./_ollama_stand_in.ts";
import type { Answer } from "./_ollama_wire.ts";
import { RUNS, runWhole } from "./_run.ts";

/** OpenAI's model: thinks, hands the weather over, and answers everything else. */
function triage({ items, functions }: ModelTurn): ScriptedItem[] {
  const last = items.at(-1);
  const isWeather = last?.type === "message" && JSON.stringify(last.content).includes("Weather");
  if (isWeather && functions.includes("transfer_to_Weather")) {
    return [
      { type: "reasoning", summary: "Not for me." },
      { type: "function_call", name: "transfer_to_Weather", arguments: {} },
    ];
  }
  return [{ type: "message", text: "OpenAI's answer." }];
}

/** Ollama's model: thinks, looks the weather up, says it, and hands everything else back. */
function weather({ messages }: OllamaRequest): Answer {
  const last = messages.at(-1);
  const asked = messages.filter(({ role }) => role === "user").at(-1);
  if (JSON.stringify(asked).includes("Poem")) {
    return {
      thinking: "Not for me. ",
      content: "Gladly.",
      toolCalls: [{ name: "transfer_to_Triage", arguments: {} }],
    };
  }
  const hasLookedUp = last?.role === "tool" && last.content.includes("Sunny");
  return hasLookedUp
    ? { thinking: "So it is. ", content: "Ollama's answer." }
    : { thinking: "Look it up. ", toolCalls: [{ name: "get_weather", arguments: { city: "Oslo" } }] };
}

for (const [how, run] of RUNS) {
  Deno.test(`MultiModelProvider lets models of OpenAI and Ollama hand over to each other and back${how}`, async () => {
    await using openai = new OpenAIStandIn({ script: triage });
    await using ollama = new OllamaStandIn(weather);
    using _environment = emptyEnvironment({ OLLAMA_HOST: ollama.host });
    const modelProvider = new MultiModelProvider({ openaiApiKey: "key", openaiBaseURL: openai.url });
    const getWeather = tool({
      name: "get_weather",
      description: "Get the weather in a city.",
      parameters: z.object({ city: z.string() }),
      execute: ({ city }) => `Sunny in ${city}`,
    });
    const weatherAgent = new Agent({ name: "Weather", model: "ollama/qwen3:8b", tools: [getWeather] });
    const triageAgent = new Agent({ name: "Triage", model: "gpt-4.1", handoffs: [weatherAgent] });
    weatherAgent.handoffs.push(triageAgent);

    const first = await run(modelProvider, triageAgent, "Weather in Oslo?");
    assertEquals([first.result.finalOutput, first.result.lastAgent?.name], ["Ollama's answer.", "Weather"]);

    const second = await run(modelProvider, weatherAgent, [
      ...first.result.history,
      { type: "message", role: "user", content: "Poem, please" },
    ]);
    assertEquals([second.result.finalOutput, second.result.lastAgent?.name], ["OpenAI's answer.", "Triage"]);

    assertEquals(openai.refusals.map(({ error }) => error), []);
    assertEquals(ollama.mistakes, []);
    const thoughts = second.result.history.filter(({ type }) => type === "reasoning");
    assertEquals(thoughts.length, 4, "the conversation itself keeps everybody's thoughts");
    assertEquals(sentThoughts(openai), [[], ["Not for me."]], "OpenAI gets its own thoughts back");
    assertEquals(ollama.requests.map(({ body }) => thoughtsIn(body)), [
      [],
      ["Look it up. "],
      ["Look it up. ", "So it is. "],
    ]);
  });
}

/** The reasoning in each request to OpenAI. */
function sentThoughts(openai: OpenAIStandIn): string[][] {
  return openai.modelCalls.map(({ input }) => {
    const items = Array.isArray(input) ? input : [];
    return items.filter(({ type }) => type === "reasoning").map(({ summary }) =>
      summary[0]?.text ?? "of Ollama"
    );
  });
}

function thoughtsIn({ messages }: OllamaRequest): string[] {
  return messages.flatMap((message) =>
    message.role === "assistant" && message.reasoning ? [message.reasoning] : []
  );
}

Deno.test("MultiModelProvider lets a model of Ollama go on after one of OpenAI has refused", async () => {
  await using ollama = new OllamaStandIn(() => ({ content: "Something else, then." }));
  const modelProvider = new MultiModelProvider();
  using _environment = emptyEnvironment({ OLLAMA_HOST: ollama.host });
  const { result } = await runWhole(
    modelProvider,
    new Agent({ name: "Assistant", model: "ollama/qwen3:8b" }),
    [
      { role: "user", content: "How do I pick a lock?" },
      { role: "assistant", status: "completed", content: [{ type: "refusal", refusal: "I can't help." }] },
      { role: "user", content: "And a flower?" },
    ],
  );
  assertEquals(result.finalOutput, "Something else, then.");
  assertEquals(ollama.mistakes, []);
  assertEquals(ollama.requests[0]?.body.messages[1], {
    role: "assistant",
    content: [{ type: "text", text: "I can't help." }],
  });
});
