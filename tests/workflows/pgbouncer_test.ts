import { assertEquals } from "@std/assert";
import {
  configureDBOS,
  createScheduledAgentWorkflow,
  decide,
  listRuns,
  queueAgentWorkflow,
  removeScheduledAgentWorkflow,
  runAgentWorkflow,
  shutdownDBOS,
} from "../../mod.ts";
import { pgbouncer } from "../_pgbouncer.ts";
import { FAST, steppingAgent, uniqueName, until } from "./_workflows.ts";

const pooled = pgbouncer();

Deno.test({
  name: "workflows work through a pooler in transaction mode [postgres]",
  ignore: pooled === undefined,
  fn: async () => {
    if (!pooled) return;
    await using fresh = await pooled.create();
    configureDBOS({ connectionString: fresh.connectionString, ...FAST });
    try {
      const agent = steppingAgent(uniqueName("Pooled"), 2, undefined, { needsApproval: true });
      const options = { agent, inputItems: "Go.", workflowId: "pooled" };
      const { interruptions: [interruption] } = await runAgentWorkflow(options);
      const interruptionId = interruption?.interruptionId ?? "";
      await decide({ runId: "pooled", decisions: [{ interruptionId, approve: true, always: true }] });
      assertEquals((await runAgentWorkflow(options)).finalOutput, "2 steps");
      const quick = steppingAgent(uniqueName("Pooled"), 1);
      const handles = [];
      for (let n = 0; n < 10; n++) {
        handles.push(await queueAgentWorkflow({ agent: quick, inputItems: "Go." }));
      }
      const results = await Promise.all(handles.map((handle) => handle.getResult()));
      assertEquals(results.map(({ finalOutput }) => finalOutput), Array(10).fill("1 steps"));
      const scheduled = steppingAgent(uniqueName("Pooled"), 0);
      await createScheduledAgentWorkflow({ agent: scheduled, inputItems: "Tick.", crontab: "* * * * * *" });
      const ticked = { agentName: scheduled.name, status: "completed" as const };
      await until(async () => (await listRuns(ticked)).length > 0);
      await removeScheduledAgentWorkflow(scheduled.name);
    } finally {
      await shutdownDBOS();
      configureDBOS({});
    }
  },
});
