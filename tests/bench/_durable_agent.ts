import { Agent, type Model, type ModelRequest, tool, Usage } from "@openai/agents";
import { z } from "zod";

/** How many tools the model calls in each turn. */
const TOOLS = 2;

/** A model that answers at once: `turns` times with two tool calls, then with a text. It notes when it was called. */
export class ScriptedTurns implements Model {
  /** Milliseconds of `performance.now()`, one for each call. */
  readonly calledAt: number[] = [];
  readonly #turns: number;

  constructor(turns: number) {
    this.#turns = turns;
  }

  getResponse({ input }: ModelRequest): ReturnType<Model["getResponse"]> {
    this.calledAt.push(performance.now());
    const items = typeof input === "string" ? 1 : input.length;
    const turn = (items - 1) / (2 * TOOLS);
    const usage = new Usage({
      requests: 1,
      inputTokens: 50 * items,
      outputTokens: 20,
      totalTokens: 50 * items + 20,
    });
    return Promise.resolve({
      usage,
      responseId: `resp_${turn}`,
      output: turn >= this.#turns
        ? [answer()]
        : Array.from({ length: TOOLS }, (_, index) => call(turn, index)),
    });
  }

  getStreamedResponse(): never {
    throw new Error("Not used here.");
  }
}

function call(turn: number, index: number) {
  const callId = `call_${turn}_${index}`;
  return {
    type: "function_call" as const,
    id: `fc_${turn}_${index}`,
    callId,
    name: "add",
    status: "completed" as const,
    arguments: JSON.stringify({ a: turn, b: index }),
  };
}

function answer() {
  const content = [{ type: "output_text" as const, text: "All numbers are added." }];
  return {
    type: "message" as const,
    id: "msg",
    role: "assistant" as const,
    status: "completed" as const,
    content,
  };
}

/** Does something as a step of whatever records steps. */
export type Step = <T>(body: () => Promise<T>, name: string) => Promise<T>;

/**
 * An agent of {@linkcode ScriptedTurns}.
 *
 * @param step Each call of the model and of a tool is one. Default: they are made as they are.
 */
export function scriptedAgent(
  turns: number,
  step: Step = (body) => body(),
): { agent: Agent; model: ScriptedTurns } {
  const model = new ScriptedTurns(turns);
  const { getResponse } = ScriptedTurns.prototype;
  model.getResponse = (request) => step(() => getResponse.call(model, request), "model");
  const add = tool({
    name: "add",
    description: "Adds two numbers.",
    parameters: z.object({ a: z.number(), b: z.number() }),
    execute: ({ a, b }) => step(() => Promise.resolve(`${a} and ${b} make ${a + b}.`), "add"),
  });
  return {
    agent: new Agent({ name: `Adder ${crypto.randomUUID()}`, instructions: "Add.", model, tools: [add] }),
    model,
  };
}
