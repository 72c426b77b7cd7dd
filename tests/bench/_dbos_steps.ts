import { DBOS } from "@dbos-inc/dbos-sdk";
import { Runner } from "@openai/agents";
import { configureDBOS, ensureDBOSLaunched, shutdownDBOS } from "../../mod.ts";
import { scriptedAgent } from "./_durable_agent.ts";

const runner = new Runner({ tracingDisabled: true });

let workflow: ((turns: number) => Promise<void>) | undefined;

/** The agent's run as a workflow of DBOS's own, in which each model call and each tool call is one of its steps. */
async function runOnSteps(turns: number): Promise<void> {
  const { agent } = scriptedAgent(turns, (body, name) => DBOS.runStep(body, { name }));
  await runner.run(agent, "Add numbers.", { maxTurns: null });
}

/**
 * Launches DBOS on a database for a while.
 *
 * @param body Is given what runs the agent on DBOS's own steps.
 */
export async function withDbosSteps(
  connectionString: string,
  body: (run: (turns: number) => Promise<void>) => Promise<void>,
): Promise<void> {
  workflow ??= DBOS.registerWorkflow(runOnSteps, { name: "benchRunOnDbosSteps" });
  configureDBOS({ connectionString });
  await ensureDBOSLaunched();
  try {
    await body(workflow);
  } finally {
    await shutdownDBOS();
  }
}
