import type { Agent, AgentInputItem, ModelRequest } from "@openai/agents";
import { createRun, type Database, registerAgent } from "../../mod.ts";
import { claimRun } from "../../src/durable/claim_run.ts";
import { ModelStep } from "../../src/durable/model_step.ts";
import { runPlainStep } from "../../src/durable/recorded_step.ts";
import { Scope } from "../../src/durable/scope.ts";
import { scriptedAgent } from "./_durable_agent.ts";
import { quantile } from "./_ratio.ts";

const RUNS = 25;
const WARM_UPS = 2;
/** Turns 100 to 104 are the late ones. */
const TURNS = 105;

/**
 * Prints what of a turn is our own part, and whether it grows: a turn's model call with everything that this module
 * does for it, less the call itself. The results of the tools before it and the call are recorded, and committed. What
 * else a turn takes is the SDK's.
 *
 * In a run the SDK's part reaches into ours: what it makes before each call is collected while we wait for a commit,
 * and is in the way of the processor's caches. So the same steps are made without the SDK, too, side by side.
 *
 * @param durable Executes a run of an agent.
 */
export async function printOwnPart(
  database: Database,
  durable: (database: Database, agent: Agent) => Promise<unknown>,
): Promise<void> {
  const { agent, model } = scriptedAgent(TURNS);
  const [alone, own, sdk]: number[][][] = [[], [], []];
  for (let run = 0; run < WARM_UPS + RUNS; run++) {
    const aloneTimes = await recordingTimes(() => stepsAlone(database));
    model.calledAt.length = 0;
    const ownTimes = await recordingTimes(() => durable(database, agent));
    if (run < WARM_UPS) continue;
    alone?.push(aloneTimes);
    own?.push(ownTimes);
    sdk?.push(turnTimes(model.calledAt).map((time, turn) => time - (ownTimes[turn] ?? NaN)));
  }
  console.log("Of a turn:");
  console.log(`  our own part             ${growth(alone)} (target <= 1.2)`);
  console.log(`  the same inside the SDK  ${growth(own)}`);
  console.log(`  the SDK's part           ${growth(sdk)}`);
}

function growth(times: number[][] = []): string {
  const around = (turn: number) => quantile(times.flatMap((run) => run.slice(turn - 1, turn + 4)), 0.5);
  const [early, late] = [around(1), around(100)];
  return `${early.toFixed(2)} ms at turn 1, ${late.toFixed(2)} ms at turn 100: ${(late / early).toFixed(2)}x`;
}

/** Records the steps of a run as it is executed: each turn two tools and a model call with all that was said. */
async function stepsAlone(database: Database): Promise<void> {
  const { agent, model } = scriptedAgent(TURNS);
  const runId = crypto.randomUUID();
  registerAgent(agent);
  await createRun(database, { runId, agent, input: "Add numbers.", maxTurns: null });
  const claim = await claimRun({ database, runId, segment: 0, executorId: "bench" });
  if (!claim) throw new Error("The run could not be claimed");
  const scope = new Scope(claim.execution, "0.");
  const input: AgentInputItem[] = [{ role: "user", content: "Add numbers." }];
  const parameters = {
    type: "object" as const,
    properties: {},
    required: [],
    additionalProperties: true as const,
  };
  const add = { type: "function" as const, name: "add", description: "Adds.", parameters, strict: false };
  const asked = {
    modelSettings: {},
    tools: [add],
    handoffs: [],
    outputType: "text" as const,
    tracing: false,
  };
  try {
    for (let turn = 0; turn < TURNS; turn++) {
      const request: ModelRequest = { ...asked, input: [...input] };
      const { output } = await new ModelStep(scope, "scripted", request).respond(() =>
        model.getResponse(request)
      );
      for (const call of output) {
        if (call.type !== "function_call") continue;
        const { callId, name } = call;
        const step = { key: `tool:${scope.prefix}${callId}`, kind: "tool" as const, name };
        const text = await runPlainStep(
          scope,
          { ...step, encode: (text: string) => text, decode: String },
          () => Promise.resolve(`${callId} is added.`),
        );
        const result = { type: "text" as const, text };
        input.push(call, {
          type: "function_call_result",
          callId,
          name,
          status: "completed",
          output: result,
        });
      }
    }
  } finally {
    claim.execution.writer.dispose();
  }
}

/** Milliseconds that each model call during `body` took beyond the call itself. */
async function recordingTimes(body: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  const { respond } = ModelStep.prototype;
  ModelStep.prototype.respond = async function (call) {
    const start = performance.now();
    let inCall = 0;
    const response = await respond.call(this, async () => {
      const called = performance.now();
      const response = await call();
      inCall = performance.now() - called;
      return response;
    });
    times.push(performance.now() - start - inCall);
    return response;
  };
  try {
    await body();
  } finally {
    ModelStep.prototype.respond = respond;
  }
  return times;
}

/** The milliseconds from each call of a model to the next. */
export function turnTimes(calledAt: readonly number[]): number[] {
  return calledAt.slice(1).map((time, index) => time - (calledAt[index] ?? NaN));
}
