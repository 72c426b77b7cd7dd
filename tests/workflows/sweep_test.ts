import { assertEquals } from "@std/assert";
import { cancelRun, purge, queueAgentWorkflow } from "../../mod.ts";
import { steppingAgent, uniqueName, workflowTest } from "./_workflows.ts";

workflowTest("sweep() gives runs whose workflow was given up or lost a new one", async ({ database }) => {
  const agent = steppingAgent(uniqueName("Orphan"), 1);
  for (const workflowId of ["given-up", "lost", "fine"]) {
    await queueAgentWorkflow({
      agent,
      inputItems: "Go.",
      workflowId,
      priority: 7,
      deduplicationId: workflowId,
    });
  }
  await database.query(
    "update dbos.workflow_status set status = 'MAX_RECOVERY_ATTEMPTS_EXCEEDED' where workflow_uuid = 'given-up'",
  );
  await database.query("delete from dbos.workflow_status where workflow_uuid = 'lost'");
  const [swept] = await database.query("select timestep.sweep() as runs");
  assertEquals(swept, { runs: 2 });
  const rows = await database.query(
    `select r.workflow_id, s.status, s.priority from timestep.runs r
     join dbos.workflow_status s on s.workflow_uuid = r.workflow_id order by r.workflow_id`,
  );
  assertEquals(rows, [
    { workflow_id: "fine", status: "ENQUEUED", priority: 7 },
    { workflow_id: "given-up:t1", status: "ENQUEUED", priority: 7 },
    { workflow_id: "lost:t1", status: "ENQUEUED", priority: 7 },
  ]);
  assertEquals(await database.query("select timestep.sweep() as runs"), [{ runs: 0 }]);
}, { execute: false });

workflowTest("sweep() ends workflows of the dead that no run needs", async ({ database }) => {
  const agent = steppingAgent(uniqueName("Orphan"), 1);
  await queueAgentWorkflow({ agent, inputItems: "Go.", workflowId: "replaced" });
  await database.query("update dbos.workflow_status set status = 'PENDING', executor_id = 'dead'");
  await database.query("select timestep.requeue_run('replaced')");
  await database.query("select timestep.sweep()");
  const rows = await database.query("select workflow_uuid, status from dbos.workflow_status order by 1");
  assertEquals(rows, [
    { workflow_uuid: "replaced", status: "CANCELLED" },
    { workflow_uuid: "replaced:t1", status: "ENQUEUED" },
  ]);
  // With the run, both go.
  await cancelRun("replaced");
  await purge(database, { olderThan: 0 });
  assertEquals(await database.query("select workflow_uuid from dbos.workflow_status"), []);
}, { execute: false });
