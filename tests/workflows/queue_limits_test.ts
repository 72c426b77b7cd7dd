import { assertEquals } from "@std/assert";
import { Agent } from "@openai/agents";
import { getRun, queueAgentWorkflow, registerAgentQueue } from "../../mod.ts";
import { SteppingModel, uniqueName, until, workflowTest } from "./_workflows.ts";

// Two processes that look at once may each take a run, when one comes to the front meanwhile.
workflowTest(
  "queueAgentWorkflow() executes no more than the limits, whatever was taken",
  async ({ database }) => {
    await registerAgentQueue({ name: "one", concurrency: 1, pollingIntervalMs: 30 });
    await registerAgentQueue({ name: "one each", partitionConcurrency: 1, pollingIntervalMs: 30 });
    await Promise.all(["one", "one each"].map(async (queueName) => {
      const bothTaken = Promise.withResolvers<void>();
      let [underWay, most] = [0, 0];
      const model = new SteppingModel(0, async () => {
        most = Math.max(most, ++underWay);
        await bothTaken.promise;
        underWay--;
      });
      const agent = new Agent({ name: uniqueName("Lonely"), model });
      const partition = queueName === "one each" ? { partitionKey: "a" } : {};
      const queue = (workflowId: string) =>
        queueAgentWorkflow({ agent, inputItems: "Go.", queueName, workflowId, ...partition });
      const first = await queue(`${queueName}: first`);
      await until(() => Promise.resolve(most === 1));
      const second = await queue(`${queueName}: second`);
      // As if another process had taken it, and let it go to this one.
      await database.query(
        "update dbos.workflow_status set status = 'PENDING', executor_id = '' where workflow_uuid = $1",
        [second.workflowId],
      );
      const steppedBack = `${second.workflowId}:t1`;
      await until(async () =>
        (await database.query("select from timestep.runs where workflow_id = $1", [steppedBack])).length > 0
      );
      bothTaken.resolve();
      const results = await Promise.all([first.getResult(), second.getResult()]);
      assertEquals(results.map(({ status }) => status), ["completed", "completed"]);
      assertEquals(most, 1);
    }));
  },
);

workflowTest(
  "queueAgentWorkflow() tries a run again before later ones of its partition",
  async ({ database }) => {
    const allQueued = Promise.withResolvers<void>();
    const seen: string[] = [];
    const model = new SteppingModel(0, async () => {
      await allQueued.promise;
      seen.push((await getRun("second")).status);
    });
    const agent = new Agent({ name: uniqueName("Orderly"), model });
    await registerAgentQueue({ name: "in order", partitionConcurrency: 1, pollingIntervalMs: 30 });
    const queue = (workflowId: string) =>
      queueAgentWorkflow({ agent, inputItems: "Go.", queueName: "in order", partitionKey: "a", workflowId });
    const handles = [await queue("first"), await queue("second"), await queue("third")];
    await database.query("update timestep.runs set options = '{\"stream\":5}' where run_id = 'second'");
    allQueued.resolve();
    // It was begun, and could not be read.
    await until(async () =>
      (await database.query("select from timestep.runs where run_id = 'second' and epoch > 0")).length > 0
    );
    await database.query("update timestep.runs set options = '{}' where run_id = 'second'");
    for (const handle of handles) assertEquals((await handle.getResult()).status, "completed");
    assertEquals(seen, ["queued", "running", "completed"]);
  },
);
