import { Agent, type InputGuardrail, type Model, tool } from "@openai/agents";
import { z } from "zod";

const getWeather = tool({
  name: "get_weather",
  description: "Get weather information for a city.",
  parameters: z.object({ city: z.string() }),
  needsApproval: (_context, { city }) =>
    Promise.resolve(["berkeley", "san francisco"].includes(city.toLowerCase())),
  execute: ({ city }) => `The weather in ${city} is sunny and 72°F`,
});

const contentFilter: InputGuardrail = {
  name: "Content Filter",
  runInParallel: true,
  execute: ({ input }) => {
    const text = (typeof input === "string" ? input : JSON.stringify(input)).toLowerCase();
    const blocked = ["spam", "scam"].some((word) => text.includes(word));
    return Promise.resolve({ outputInfo: { blocked }, tripwireTriggered: blocked });
  },
};

/**
 * The demo's agents: an assistant that hands questions about the weather to a specialist, whose tool needs an
 * approval for Berkeley and San Francisco.
 *
 * @param model A model, or the name of one.
 * @returns The assistant.
 */
export function demoAgents(model: string | Model): Agent {
  const weatherAgent = new Agent({
    name: "Weather Assistant",
    instructions: "You are a weather assistant. Use get_weather for all weather queries.",
    model,
    tools: [getWeather],
  });
  return new Agent({
    name: "Personal Assistant",
    instructions: "You are a helpful personal assistant.",
    model,
    handoffs: [weatherAgent],
    inputGuardrails: [contentFilter],
  });
}
