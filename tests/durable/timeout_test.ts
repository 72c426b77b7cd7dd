import { assert, assertEquals } from "@std/assert";
import { Agent, tool } from "@openai/agents";
import { z } from "zod";
import { execute, FunctionModel, killEverywhere, say, testOnEach, tick, toolResults } from "./_durable.ts";

/** An agent with a tool that never comes to an end by itself and another that does; it says what they gave. */
function waitingAgent(name: string, timeoutBehavior: "error_as_result" | "raise_exception", calls: string[]) {
  const make = (toolName: string, timeoutMs: number, execute: () => Promise<string>) =>
    tool({ name: toolName, description: "", parameters: z.object({}), timeoutMs, timeoutBehavior, execute });
  const model = new FunctionModel((request) => {
    const results = toolResults(request);
    if (Object.keys(results).length > 0) return [say(JSON.stringify(results))];
    return ["stall", "go"].map((toolName) => ({
      type: "function_call" as const,
      callId: toolName,
      name: toolName,
      status: "completed" as const,
      arguments: "{}",
    }));
  });
  const tools = [
    make("stall", 20, () => {
      calls.push("stall");
      return new Promise(() => {});
    }),
    make("go", 600_000, () => {
      calls.push("go");
      return Promise.resolve("gone");
    }),
  ];
  return new Agent({ name, model, tools });
}

testOnEach("executeRun() fails when the model's provider breaks off an answer", async ({ database }) => {
  const model = new FunctionModel(() => [say("Never said.")]);
  model.getStreamedResponse = async function* () {
    yield { type: "output_text_delta", delta: "Nev" };
    await tick();
    throw new DOMException("The operation was aborted", "AbortError");
  };
  const agent = new Agent({ name: "Cut", model });
  const { status, error } = await execute(database, { runId: "r", agent, input: "Go.", stream: true });
  assertEquals(status, "failed");
  assertEquals(error?.message, "The model's answer broke off: The operation was aborted");
});

testOnEach(
  "executeRun() tells the model that a tool took too long, the same on replay",
  async ({ database }) => {
    const calls: string[] = [];
    const agent = waitingAgent("Patient", "error_as_result", calls);
    const plain = await execute(database, { runId: "plain", agent, input: "Go." });
    assert(String(plain.finalOutput).includes("timed out"), String(plain.finalOutput));
    calls.length = 0;
    await killEverywhere(
      database,
      (runId) => ({ runId, agent, input: "Go." }),
      async ({ runId, finalOutput }) => {
        assertEquals(finalOutput, plain.finalOutput);
        const [row] = await database.query(
          "select status, epoch from timestep.journal where run_id = $1 and key = 'tool:0.1:stall'",
          [runId],
        );
        assertEquals(row?.["status"], "failed");
        // Recorded by the first execution, it was not called by the second.
        const stalls = calls.splice(0).filter((call) => call === "stall").length;
        if (row?.["epoch"] === 1) assertEquals(stalls, 1);
      },
    );
  },
);

testOnEach("executeRun() fails a run whose tool took too long, when it says so", async ({ database }) => {
  const agent = waitingAgent("Impatient", "raise_exception", []);
  await killEverywhere(database, (runId) => ({ runId, agent, input: "Go." }), ({ status, error }) => {
    assertEquals(status, "failed");
    assert(error?.message.includes("timed out"), error?.message);
  });
});
