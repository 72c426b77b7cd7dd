import { assertEquals } from "@std/assert";
import { Agent } from "@openai/agents";
import { configureDBOS, queueAgentWorkflow, runAgentWorkflow, shutdownDBOS } from "../../mod.ts";
import { FAST, steppingAgent, SteppingModel, uniqueName, workflowTest } from "./_workflows.ts";

workflowTest("timeoutSeconds does not count the time in a queue, nor what a person takes", async (fresh) => {
  const { connectionString, database } = fresh;
  const deadline = async (runId: string) => {
    const [row] = await database.query("select deadline_at from timestep.runs where run_id = $1", [runId]);
    return row?.["deadline_at"];
  };
  const careful = steppingAgent(uniqueName("Careful"), 1, undefined, { needsApproval: true });
  const options = { agent: careful, inputItems: "Go.", workflowId: "paused", timeoutSeconds: 3600 };
  assertEquals((await runAgentWorkflow(options)).status, "interrupted");
  assertEquals(await deadline("paused"), null);

  const agent = steppingAgent(uniqueName("Stepper"), 0);
  await shutdownDBOS();
  configureDBOS({ connectionString, ...FAST, execute: false });
  await queueAgentWorkflow({ agent, inputItems: "Go.", workflowId: "back", timeoutSeconds: 3600 });
  // As if it had been put back into its queue two hours ago, an hour before its end.
  await database.query(
    `update timestep.runs set deadline_at = now() - interval '1 hour', updated_at = now() - interval '2 hours'
     where run_id = 'back'`,
  );
  await shutdownDBOS();
  configureDBOS({ connectionString, ...FAST });
  const again = { agent, inputItems: "Go.", workflowId: "back", timeoutSeconds: 3600 };
  assertEquals((await runAgentWorkflow(again)).status, "completed");
});

workflowTest("a run whose time was over while nobody executed it begins nothing more", async (fresh) => {
  const { connectionString, database } = fresh;
  const model = new SteppingModel(0);
  const agent = new Agent({ name: uniqueName("Late"), model });
  const options = { agent, inputItems: "Go.", workflowId: "late", timeoutSeconds: 3600 };
  await queueAgentWorkflow(options);
  await database.query(
    "update timestep.runs set status = 'running', epoch = 1, deadline_at = now() - interval '1 hour'",
  );
  await shutdownDBOS();
  configureDBOS({ connectionString, ...FAST });
  const { status, error } = await runAgentWorkflow(options);
  assertEquals([status, error?.name], ["cancelled", "TimeoutError"]);
  assertEquals(model.calls, 0);
}, { execute: false });
