/**
 * Serves agents for the benchmarks, in a process of its own: prints its port, tells at /usage what it uses, and runs
 * 20 turns with 2 tools each at /add. The argument is the connection string.
 *
 * @module
 */
import process from "node:process";
import { Agent, type Model, type StreamEvent } from "@openai/agents";
import { configureDBOS, runAgentWorkflow } from "../../mod.ts";
import { serveAgents } from "../../src/http/mod.ts";
import { scriptedAgent } from "./_durable_agent.ts";

/** How many tokens the agent called Clock streams, and every how many milliseconds. */
export const CLOCK = { tokens: 100, everyMs: 50 };

/** What a process uses. */
export interface ProcessUsage {
  /** Resident memory, in bytes. */
  rss: number;
  /** V8's heap, in bytes. */
  heap: number;
  /** Processor time since its start, in milliseconds. */
  cpuMs: number;
}

/** Streams the time, token by token. */
const clock: Model = {
  getResponse() {
    throw new Error("Not used here.");
  },
  async *getStreamedResponse() {
    let text = "";
    for (let token = 0; token < CLOCK.tokens; token++) {
      await new Promise((resolve) => setTimeout(resolve, CLOCK.everyMs));
      const delta = `${Date.now()} `;
      text += delta;
      yield { type: "output_text_delta", delta } satisfies StreamEvent;
    }
    const content = [{ type: "output_text" as const, text }];
    const output = [{
      type: "message" as const,
      role: "assistant" as const,
      status: "completed" as const,
      content,
    }];
    const usage = { inputTokens: 1, outputTokens: 1, totalTokens: 2 };
    yield { type: "response_done", response: { id: "r", usage, output } } satisfies StreamEvent;
  },
};

function usage(): ProcessUsage {
  const { rss, heapUsed } = Deno.memoryUsage();
  const { user, system } = process.cpuUsage();
  return { rss, heap: heapUsed, cpuMs: (user + system) / 1000 };
}

if (import.meta.main) {
  configureDBOS({ connectionString: Deno.args[0] });
  const adder = scriptedAgent(20).agent;
  const add = async () => {
    const { status } = await runAgentWorkflow({ agent: adder, inputItems: "Add.", maxTurns: null });
    return Response.json({ status });
  };
  const handler = serveAgents({
    agents: [new Agent({ name: "Clock", model: clock })],
    authenticate: () => Promise.resolve({ kind: "service" }),
  });
  Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: ({ port }) => console.log(port) },
    (request) => {
      if (request.url.endsWith("/usage")) return Response.json(usage());
      return request.url.endsWith("/add") ? add() : handler(request);
    },
  );
}
