import { assertEquals } from "@std/assert";
import { queueAgentWorkflow, registerAgentQueue } from "../../mod.ts";
import { steppingAgent, uniqueName, workflowTest } from "./_workflows.ts";

workflowTest(
  "timestep.take_over() keeps to the limits of queues in which runs waited for their agent",
  async (fresh) => {
    const { database } = fresh;
    const agent = steppingAgent(uniqueName("Late"), 0);
    await registerAgentQueue({ name: "by key", partitionConcurrency: 1 });
    await registerAgentQueue({ name: "two", concurrency: 2 });
    await registerAgentQueue({ name: "one each", workerConcurrency: 1 });
    await registerAgentQueue({ name: "slow", rateLimit: { limit: 1, periodSeconds: 3600 } });
    await registerAgentQueue({ name: "free" });
    const queue = (queueName: string, workflowId: string, partitionKey?: string) =>
      queueAgentWorkflow({ agent, inputItems: "Go.", queueName, workflowId, partitionKey });
    for (const n of [1, 2, 3]) {
      for (const key of ["a", "b"]) await queue("by key", `${key}${n}`, key);
      for (const name of ["two", "one each", "slow", "free"]) await queue(name, `${name} ${n}`);
    }
    await database.query(
      "update dbos.workflow_status set status = 'DELAYED', delay_until_epoch_ms = timestep.until_agent_known()",
    );
    // One that is not waiting for the agent: nobody who has just looked gets it.
    await queue("by key", "a4", "a");
    const takeOver = async (executorId: string) => {
      await database.query("insert into timestep.executors (executor_id) values ($1)", [executorId]);
      const rows = await database.query(
        "select timestep.take_over($1, 'token', 'timestep', 'v', array[$2::text], interval '10 s', 100) as id",
        [executorId, agent.name],
      );
      return rows.map((row) => String(row["id"])).toSorted();
    };
    const first = ["a1", "b1", "free 1", "free 2", "free 3", "one each 1", "slow 1", "two 1", "two 2"];
    assertEquals(await takeOver("executor 1"), first);
    const seen = await database.query(
      `select workflow_uuid from dbos.workflow_status
       where status = 'DELAYED' and delay_until_epoch_ms <= extract(epoch from now()) * 1000`,
    );
    assertEquals(seen, [{ workflow_uuid: "a4" }]);
    assertEquals(await takeOver("executor 2"), ["one each 2"]);
    await database.query("update dbos.workflow_status set status = 'SUCCESS' where status = 'PENDING'");
    assertEquals(await takeOver("executor 3"), ["a2", "b2", "one each 3", "two 3"]);
  },
  { execute: false },
);
