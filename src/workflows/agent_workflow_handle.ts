import type { AnyAgent } from "../run/types.ts";
import { type AgentWorkflowResult, loadResult } from "./agent_workflow_result.ts";
import { workflowDatabase } from "./_database.ts";
import { getRun, type RunStatus } from "./runs.ts";

/** A run that was put into a queue. */
export class AgentWorkflowHandle<TAgent extends AnyAgent = AnyAgent> {
  /** The run's id: `runId` everywhere else. */
  readonly workflowId: string;
  readonly #agent: TAgent;

  /**
   * `queueAgentWorkflow()` makes them.
   *
   * @param workflowId The run's id.
   * @param agent The agent that starts.
   */
  constructor(workflowId: string, agent: TAgent) {
    this.workflowId = workflowId;
    this.#agent = agent;
  }

  /** What the run is doing. */
  async getStatus(): Promise<RunStatus> {
    return (await getRun(this.workflowId)).status;
  }

  /**
   * Waits until the run has ended or is paused.
   *
   * @returns What became of it.
   */
  async getResult(): Promise<AgentWorkflowResult<TAgent>> {
    const database = await workflowDatabase();
    return await loadResult(database, this.workflowId, this.#agent);
  }
}
