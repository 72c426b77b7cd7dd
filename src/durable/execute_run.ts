import type { ExecuteRunOptions } from "./execute_run_options.ts";
import type { RunOutcome } from "./run_outcome.ts";

/**
 * Executes one segment of a run, from where it is: steps that were recorded are not done again. Afterwards the
 * run has ended, or waits for decisions, and what became of it is recorded. Executed again then, it only tells.
 *
 * Errors of the agent, its tools and its model are part of the outcome. What is thrown concerns this execution:
 * the run stays as it is and can be executed again.
 *
 * @throws {AgentNotRegisteredError} When this process does not know the run's agent.
 * @throws {RunNotFoundError} When there is no such run.
 * @throws {OwnershipLostError} When another process took the run over meanwhile.
 * @throws {ExecutionStoppedError} When `signal` was aborted.
 * @throws {ModelRateLimitedError} When the model's provider asks to come back later.
 * @throws {ToolsUnavailableError} When MCP servers of the agent can't be asked for their tools.
 * @throws {DatabaseError} When the database is out of reach.
 */
export async function executeRun(options: ExecuteRunOptions): Promise<RunOutcome> {
  // Most of what there is to load: with the first run, and not before.
  const { claimRun } = await import("./claim_run.ts");
  const { executeClaimedRun, outcomeOfOther } = await import("./execute_claimed_run.ts");
  const claim = await claimRun(options);
  return claim ? await executeClaimedRun(claim, options) : await outcomeOfOther(options);
}
