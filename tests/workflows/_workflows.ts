import {
  Agent,
  type AgentInputItem,
  type AgentOptions,
  type Model,
  type ModelRequest,
  tool,
  Usage,
} from "@openai/agents";
import { assistantMessage, functionCall } from "@openai/agents-core/testing";
import { z } from "zod";
import { configureDBOS, type ConfigureDBOSOptions, shutdownDBOS } from "../../mod.ts";
import { type FreshDatabase, type TestDatabase, testDatabases } from "../_databases.ts";

/** Short times, so that tests need not wait. */
export const FAST = { heartbeatSeconds: 0.1, executorTimeoutSeconds: 2 };

/** One test for each engine, on a fresh database for which DBOS is configured; shut down afterwards. */
export function workflowTest(
  name: string,
  body: (fresh: FreshDatabase, target: TestDatabase) => Promise<void>,
  options: ConfigureDBOSOptions = {},
): void {
  for (const target of testDatabases()) {
    Deno.test(`${name} [${target.engine}]`, async () => {
      await using fresh = await target.create({ withDBOS: true });
      configureDBOS({ connectionString: fresh.connectionString, ...FAST, ...options });
      try {
        await body(fresh, target);
      } finally {
        await shutdownDBOS();
        configureDBOS({});
      }
    });
  }
}

/** Agents are found by name, so each test's has one of its own. */
export function uniqueName(name: string): string {
  return `${name} ${crypto.randomUUID().slice(0, 8)}`;
}

/**
 * A model that calls the tool `step` a number of times and then says how often it was answered. It goes by what it
 * is sent, so that every process has the same one.
 */
export class SteppingModel implements Model {
  /** How often it was called. */
  calls = 0;

  constructor(
    readonly steps: number,
    readonly onCall: (request: ModelRequest) => Promise<void> = async () => {},
  ) {}

  async getResponse(request: ModelRequest) {
    this.calls++;
    await this.onCall(request);
    const done = results(request.input);
    const output = done < this.steps
      ? [functionCall("step", { number: done + 1 }, { callId: `call-${done + 1}` })]
      : [assistantMessage(`${done} steps`)];
    return { usage: usage(), output };
  }

  // deno-lint-ignore require-yield -- nothing here streams
  async *getStreamedResponse(): AsyncGenerator<never> {
    throw new Error("This model does not stream");
  }
}

/** An agent with a {@linkcode SteppingModel} and its tool. */
export function steppingAgent(
  name: string,
  steps: number,
  execute: (number: number) => Promise<string> | string = (number) => `done ${number}`,
  options: Partial<AgentOptions> & { model?: Model; needsApproval?: boolean } = {},
) {
  const { needsApproval = false, ...rest } = options;
  const step = tool({
    name: "step",
    description: "Does one step.",
    parameters: z.object({ number: z.number() }),
    needsApproval,
    execute: ({ number }) => execute(number),
  });
  return new Agent({ name, model: new SteppingModel(steps), tools: [step], ...rest });
}

/** Resolves after some time; for models and tools that take theirs. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits until something is so. Whoever runs the tests decides how long is too long. */
export async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await condition())) await pause(20);
}

function results(input: string | AgentInputItem[]): number {
  return typeof input === "string" ? 0 : input.filter(({ type }) => type === "function_call_result").length;
}

function usage() {
  return new Usage({ requests: 1, inputTokens: 10, outputTokens: 5, totalTokens: 15 });
}
