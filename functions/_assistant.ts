import { Agent, tool } from "@openai/agents";
import { z } from "zod";

const getWeather = tool({
  name: "get_weather",
  description: "Get weather information for a city.",
  parameters: z.object({ city: z.string() }),
  needsApproval: (_context, { city }) =>
    Promise.resolve(["berkeley", "san francisco"].includes(city.toLowerCase())),
  execute: ({ city }) => `The weather in ${city} is sunny and 72°F`,
});

/** An assistant that asks before it looks up the weather in Berkeley or San Francisco. */
export const assistant: Agent = new Agent({
  name: "Assistant",
  instructions: "You are a helpful assistant. Use get_weather for all weather queries.",
  model: "gpt-4.1",
  tools: [getWeather],
});
