import { Agent, type RunState, setTracingDisabled, tool, Usage } from "@openai/agents";
import { functionCall, ScriptedModel, type ScriptedModelInput } from "@openai/agents-core/testing";
import { runAgent } from "@timestep-ai/timestep";
import { z } from "zod";

setTracingDisabled(true);

/** An agent that has to ask before it tells the weather, and the cities of which it has told. */
export interface WeatherAgent {
  agent: Agent;
  told: string[];
}

/** An agent whose model answers these, one after the other. */
export function weatherAgent(...answers: ScriptedModelInput[]): WeatherAgent {
  const told: string[] = [];
  const getWeather = tool({
    name: "get_weather",
    description: "Tells the weather.",
    parameters: z.object({ city: z.string() }),
    needsApproval: true,
    execute: ({ city }) => {
      told.push(city);
      return `Sunny in ${city}.`;
    },
  });
  const agent = new Agent({ name: "Assistant", model: new ScriptedModel(answers), tools: [getWeather] });
  return { agent, told };
}

/** A call of the tool. */
export function asks(city: string, callId = `call_${city}`): ScriptedModelInput {
  return [functionCall("get_weather", { city }, { callId })];
}

/** A response that cost tokens. */
export function costs(answer: ScriptedModelInput, tokens: number): ScriptedModelInput {
  const usage = new Usage({ requests: 1, inputTokens: tokens, outputTokens: 1, totalTokens: tokens + 1 });
  return { usage, output: answer as [] };
}

/** The state of a run that waits for the weather of a city. */
export async function pausedState(city = "Oakland"): Promise<RunState<unknown, Agent>> {
  const { state, interruptions } = await runAgent(weatherAgent(asks(city)).agent, `Weather in ${city}?`);
  if (interruptions.length === 0) throw new Error("The run did not pause");
  return state;
}

/** Approves everything that a run waits for. */
export function approveAll(state: RunState<unknown, Agent>): RunState<unknown, Agent> {
  for (const interruption of state.getInterruptions()) state.approve(interruption);
  return state;
}
