import {
  Agent,
  type AgentInputItem,
  defineToolInputGuardrail,
  defineToolOutputGuardrail,
  type InputGuardrail,
  type Model,
  type ModelRequest,
  type ModelResponse,
  type StreamEvent,
  tool,
  ToolGuardrailFunctionOutputFactory,
  Usage,
} from "@openai/agents";
import { assistantMessage, functionCall } from "@openai/agents-core/testing";
import { z } from "zod";

type Output = ModelResponse["output"];

/**
 * A model that goes by the last thing it is told, and streams a word at a time: every process has the same one.
 * "Count." counts the items it sees; "Wait." answers when `release()` was called; "look up x" calls a function that
 * callers may offer, "pay x" one that needs an approval.
 */
export class WorldModel implements Model {
  /** How often it was called. */
  calls = 0;
  #released = Promise.withResolvers<void>();

  /** Lets models that wait answer. */
  release(): void {
    this.#released.resolve();
  }

  /** Makes models wait again. */
  hold(): void {
    this.#released = Promise.withResolvers<void>();
  }

  async getResponse(request: ModelRequest): Promise<ModelResponse> {
    this.calls++;
    return { usage: usage(), output: await this.#answer(request) };
  }

  async *getStreamedResponse(request: ModelRequest): AsyncGenerator<StreamEvent> {
    this.calls++;
    yield { type: "response_started" };
    const output = await this.#answer(request);
    for (const item of output) {
      if (item.type !== "message") continue;
      for (const part of item.content ?? []) {
        if (typeof part === "string" || part.type !== "output_text") continue;
        for (const delta of part.text.match(/\S+\s*/g) ?? []) yield { type: "output_text_delta", delta };
      }
    }
    const { inputTokens, outputTokens, totalTokens } = usage();
    yield {
      type: "response_done",
      response: {
        id: crypto.randomUUID(),
        usage: { inputTokens, outputTokens, totalTokens, requests: 1 },
        output,
      },
    } as StreamEvent; // As the SDK's own scripted model does.
  }

  async #answer({ input, signal }: ModelRequest): Promise<Output> {
    const items: AgentInputItem[] = typeof input === "string" ? [{ role: "user", content: input }] : input;
    const asked = items.findLastIndex((item) => "role" in item && item.role === "user");
    const text = textOf(items[asked]);
    const results = items.slice(asked).filter((item) => item.type === "function_call_result");
    if (results.length > 0) return [assistantMessage(`Done: ${results.map(resultText).join(", ")}`)];
    if (text.includes("Fail.")) throw new Error("The model is on fire");
    if (text.includes("Count.")) return [assistantMessage(`I see ${items.length} items.`)];
    if (text.includes("Wait.")) {
      const aborted = Promise.withResolvers<never>();
      signal?.addEventListener("abort", () => aborted.reject(signal.reason), { once: true });
      await Promise.race([this.#released.promise, aborted.promise]);
      return [assistantMessage("I have waited for long.")];
    }
    const callId = `call_${crypto.randomUUID()}`;
    const [, city] = /weather in (\w+)/.exec(text) ?? [];
    if (city) return [functionCall("get_weather", { city }, { callId })];
    const payments = [...text.matchAll(/pay (\w+)/g)].map(([, to], index) =>
      functionCall("pay", { to: String(to) }, { callId: `${callId}_${index}` })
    );
    const lookups = [...text.matchAll(/look up (\w+)/g)].map(([, key], index) =>
      functionCall("look_up", { key: String(key) }, { callId: `${callId}_l${index}` })
    );
    if (payments.length + lookups.length > 0) return [...payments, ...lookups];
    const [, question] = /ask the expert (\w+)/.exec(text) ?? [];
    if (question) return [functionCall("expert", { input: question }, { callId })];
    return [assistantMessage(`You said: ${text}`)];
  }
}

/** Agents to serve, with what they have done. */
export interface World {
  model: WorldModel;
  assistant: Agent;
  clerk: Agent;
  /** To whom was paid. */
  paid: string[];
}

/** Makes two agents, whose names no other test has, unless their processes are to have the same. */
export function makeWorld(suffix: string = crypto.randomUUID().slice(0, 8)): World {
  const model = new WorldModel();
  const paid: string[] = [];
  const getWeather = tool({
    name: "get_weather",
    description: "Get weather information for a city.",
    parameters: z.object({ city: z.string() }),
    inputGuardrails: [
      defineToolInputGuardrail({
        name: "Cities: that exist",
        run: ({ toolCall }) =>
          Promise.resolve(
            toolCall.arguments.includes("Atlantis")
              ? ToolGuardrailFunctionOutputFactory.rejectContent("There is no such city.")
              : ToolGuardrailFunctionOutputFactory.allow(),
          ),
      }),
    ],
    outputGuardrails: [
      defineToolOutputGuardrail({
        name: "Secrets",
        run: ({ output }) =>
          Promise.resolve(
            String(output).includes("Area51")
              ? ToolGuardrailFunctionOutputFactory.rejectContent("That is classified.")
              : ToolGuardrailFunctionOutputFactory.allow(),
          ),
      }),
    ],
    execute: ({ city }) => `sunny in ${city}`,
  });
  const pay = tool({
    name: "pay",
    description: "Pays somebody.",
    parameters: z.object({ to: z.string() }),
    needsApproval: true,
    execute: ({ to }) => {
      paid.push(to);
      return `paid ${to}`;
    },
  });
  const expert = new Agent({ name: `Expert ${suffix}`, model });
  const filter: InputGuardrail = {
    name: "Filter",
    execute: ({ input }) =>
      Promise.resolve({ outputInfo: {}, tripwireTriggered: JSON.stringify(input).includes("spam") }),
  };
  const assistant = new Agent({
    name: `Assistant ${suffix}`,
    model,
    inputGuardrails: [filter],
    tools: [getWeather, pay, expert.asTool({ toolName: "expert", toolDescription: "Knows it all." })],
  });
  const clerk = new Agent({ name: `Clerk ${suffix}`, model, tools: [getWeather, pay] });
  return { model, assistant, clerk, paid };
}

function textOf(item: AgentInputItem | undefined): string {
  if (!item || !("content" in item)) return "";
  const { content } = item;
  if (typeof content === "string") return content;
  return Array.isArray(content)
    ? content.map((part) => "text" in part ? String(part.text) : "").join("")
    : "";
}

function resultText(item: AgentInputItem): string {
  const { output } = item as { output?: unknown };
  if (typeof output === "string") return output;
  if (Array.isArray(output)) return JSON.stringify(output);
  return typeof output === "object" && output !== null && "text" in output ? String(output.text) : "?";
}

function usage(): Usage {
  return new Usage({ requests: 1, inputTokens: 10, outputTokens: 5, totalTokens: 15 });
}
