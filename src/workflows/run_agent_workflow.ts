import { assertOptions } from "../core/assert_options.ts";
import type { Database } from "../database/database.ts";
import type { AnyAgent } from "../run/types.ts";
import { readOutcome } from "../durable/read_outcome.ts";
import type { RunOutcome } from "../durable/run_outcome.ts";
import { dispatchDatabase } from "./_database.ts";
import { claimantOf } from "./_claim_directly.ts";
import { checkedWorkflowId, DIRECT_QUEUE } from "./_dispatch.ts";
import type { Engine } from "./_engine.ts";
import { useConfiguration } from "./configure_dbos.ts";
import { launchedEngine } from "./launch_dbos.ts";
import { sleep } from "../durable/sleep.ts";
import { FINAL } from "./runs.ts";
import { type PreparedRun, prepareRun, startRun } from "./_start_run.ts";
import type { AgentWorkflowOptions } from "./agent_workflow_options.ts";
import { type AgentWorkflowResult, loadResult } from "./agent_workflow_result.ts";

/**
 * Runs an agent in a durable workflow: each model call, tool call, guardrail and session write is recorded, and
 * when this process dies, another one, or this program started again, goes on where it was.
 *
 * Starts at once, without a queue. Resolves when the run has ended, or is paused: `interrupted` for approvals,
 * which `decide()` takes from any process, or `unknown_outcome` for a person to settle. A model or a tool that
 * fails is a status, not a rejection.
 *
 * @param options What to run.
 * @returns What became of the run.
 * @throws {ContextNotSerializableError} When the context holds what JSON cannot.
 * @throws {RunConflictError} When there is a run of this `workflowId` with another agent, input or session.
 * @throws {SessionNotDurableError} When another process could not open the session.
 * @throws {DatabaseError} When the database can't be opened.
 *
 * @example
 * ```ts
 * import { Agent } from "@openai/agents";
 * import { assistantMessage, ScriptedModel } from "@openai/agents-core/testing";
 * import { configureDBOS, runAgentWorkflow, shutdownDBOS } from "@timestep-ai/timestep";
 *
 * configureDBOS({ connectionString: "pglite:memory" });
 * const agent = new Agent({
 *   name: "Weather",
 *   // Leave this out to talk to OpenAI.
 *   model: new ScriptedModel([[assistantMessage("Sunny.")]]),
 * });
 * const { finalOutput } = await runAgentWorkflow({
 *   agent,
 *   inputItems: "What is the weather in Oakland?",
 *   workflowId: "weather-1",
 * });
 * console.log(finalOutput); // Sunny.
 * await shutdownDBOS();
 * ```
 */
export async function runAgentWorkflow<TAgent extends AnyAgent>(
  options: AgentWorkflowOptions & { agent: TAgent },
): Promise<AgentWorkflowResult<TAgent>> {
  assertOptions("start a run", options);
  const runId = checkedWorkflowId(options.workflowId);
  const prepared = await prepareRun(options);
  const engine = await launchedEngine();
  const database = engine?.database ?? await dispatchDatabase();
  const outcome = await execute(database, runId, prepared, engine);
  return outcome ?? await loadResult(database, runId, options.agent);
}

/**
 * Executes the run in this process, or leaves it to a worker when this process executes none.
 *
 * @returns How the run has ended, if it was here.
 */
async function execute(
  database: Database,
  runId: string,
  prepared: PreparedRun,
  engine: Engine | undefined,
): Promise<RunOutcome | undefined> {
  const claimant = engine && claimantOf(engine);
  const dispatch = { applicationName: useConfiguration().name, queueName: DIRECT_QUEUE };
  const state = await startRun(database, runId, prepared, dispatch, { claimant });
  if (!engine || !claimant) return undefined;
  if (state === "claimed") await engine.dispatch([runId], claimant.ownerToken);
  const outcome = await whileExecuting(engine, runId);
  return outcome && FINAL.includes(outcome.status) ? outcome : undefined;
}

/** How often to look whether a run was ended by somebody else, in milliseconds. */
const LOOK_MS = 1000;

/**
 * Waits while this process executes the run. A tool that goes on after the run was cancelled is not waited for.
 *
 * @returns What came of it, if that is known here.
 */
async function whileExecuting(engine: Engine, runId: string): Promise<RunOutcome | undefined> {
  const over = new AbortController();
  // The database may be away for a while.
  const hasEnded = async () => Boolean(await readOutcome(engine.database, runId).catch(() => undefined));
  const look = async () => {
    do await sleep(LOOK_MS, over.signal); while (!over.signal.aborted && !await hasEnded());
    return undefined;
  };
  const looking = look();
  const outcome = await Promise.race([engine.whileExecuting(runId), looking]);
  over.abort();
  await looking;
  return outcome;
}
