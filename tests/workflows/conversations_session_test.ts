import { assertEquals } from "@std/assert";
import { Agent, OpenAIConversationsSession, OpenAIProvider, tool } from "@openai/agents";
import OpenAI from "openai";
import { z } from "zod";
import { configureDBOS, decide, queueAgentWorkflow, runAgentWorkflow } from "../../mod.ts";
import { OpenAIStandIn, weatherScript } from "../openai_stand_in/mod.ts";
import { FAST, uniqueName, workflowTest } from "./_workflows.ts";

workflowTest(
  "runAgentWorkflow() remembers in an OpenAIConversationsSession, across an approval",
  async ({ connectionString }) => {
    await using openai = new OpenAIStandIn({ script: weatherScript });
    const client = new OpenAI({ apiKey: "test", baseURL: openai.url });
    const modelProvider = new OpenAIProvider({ openAIClient: client, useResponses: true });
    configureDBOS({ connectionString, ...FAST, modelProvider });
    let calls = 0;
    const getWeather = tool({
      name: "get_weather",
      description: "Get weather information for a city.",
      parameters: z.object({ city: z.string() }),
      needsApproval: (_context, { city }) => Promise.resolve(city === "Berkeley"),
      execute: ({ city }) => {
        calls++;
        return `The weather in ${city} is sunny and 72°F`;
      },
    });
    const agent = new Agent({ name: uniqueName("Weather"), model: "gpt-4.1", tools: [getWeather] });
    const session = new OpenAIConversationsSession({ client });
    const sum = await runAgentWorkflow({ agent, inputItems: "What's 2+2?", session, stream: true });
    assertEquals(sum.finalOutput, "2+2 equals 4.");
    const handle = await queueAgentWorkflow({ agent, inputItems: "What's the weather in Oakland?", session });
    assertEquals((await handle.getResult()).status, "completed");
    const berkeley = {
      agent,
      inputItems: "What's the weather in Berkeley?",
      session,
      workflowId: "berkeley",
    };
    const { interruptions } = await runAgentWorkflow(berkeley);
    const decisions = interruptions.map(({ interruptionId }) => ({ interruptionId, approve: true }));
    await decide({ runId: "berkeley", decisions });
    const { finalOutput } = await runAgentWorkflow(berkeley);
    assertEquals(finalOutput, "The weather in Berkeley is sunny and 72°F");
    assertEquals(calls, 2);
    const items = openai.itemsOf(await session.getSessionId()).map(({ type }) => type);
    const turn = ["message", "function_call", "function_call_output", "message"];
    assertEquals(items, ["message", "message", ...turn, ...turn]);
    assertEquals(openai.refusals, []);
  },
);
