import { tool } from "@openai/agents";
import { z } from "zod";

/** A tool that needs an approval; `calls` lists the cities for which it was executed. */
export function weather(calls: string[] = []) {
  return tool({
    name: "get_weather",
    description: "Tells the weather.",
    parameters: z.object({ city: z.string() }),
    needsApproval: true,
    execute: ({ city }) => {
      calls.push(city);
      return `Sunny in ${city}.`;
    },
  });
}
