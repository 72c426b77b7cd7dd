import { Agent, type Model } from "@openai/agents";
import { createRun, executeRun, registerAgent } from "../../mod.ts";
import type { FreshDatabase } from "../_databases.ts";
import { quantile } from "./_ratio.ts";

/** How often the first token is waited for. */
const RUNS = 20;

/** Answers with the time at which it does, after a while. */
const clock: Model = {
  getResponse() {
    throw new Error("Not used here.");
  },
  async *getStreamedResponse() {
    await new Promise((resolve) => setTimeout(resolve, 300 + Math.random() * 100));
    const delta = String(Date.now());
    yield { type: "output_text_delta", delta };
    await new Promise((resolve) => setTimeout(resolve, 100));
    const content = [{ type: "output_text" as const, text: delta }];
    const output = [{
      type: "message" as const,
      role: "assistant" as const,
      status: "completed" as const,
      content,
    }];
    const usage = { inputTokens: 1, outputTokens: 1, totalTokens: 2 };
    yield { type: "response_done", response: { id: "r", usage, output } };
  },
};

/** Prints how long after a model gave its first token a reader in another process has it. */
export async function measureFirstToken({ database, connectionString }: FreshDatabase): Promise<void> {
  const agent = new Agent({ name: `Clock ${crypto.randomUUID()}`, model: clock });
  registerAgent(agent);
  const reader = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", new URL("./_event_reader.ts", import.meta.url).pathname, connectionString],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const lines = reader.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const writer = reader.stdin.getWriter();
  const latencies: number[] = [];
  await lines.read(); // It is ready.
  for (let run = 0; run < RUNS; run++) {
    const runId = `first-token-${run}`;
    await createRun(database, { runId, agent, input: "What time is it?", stream: true });
    await writer.write(new TextEncoder().encode(`${runId}\n`));
    await executeRun({ database, runId, segment: 0, executorId: "bench" });
    latencies.push(Number((await lines.read()).value));
  }
  await writer.close();
  await lines.cancel();
  await reader.status;
  console.log(
    `First token to a reader in another process: p50 ${
      quantile(latencies, 0.5).toFixed(0)
    } ms (target <= 60), ` +
      `p90 ${quantile(latencies, 0.9).toFixed(0)} ms`,
  );
}
