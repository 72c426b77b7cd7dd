import { assertEquals } from "@std/assert";
import {
  configureDBOS,
  getRun,
  openDatabase,
  queueAgentWorkflow,
  registerAgent,
  shutdownDBOS,
} from "../../mod.ts";
import { ensureDBOSLaunched } from "../../mod.ts";
import { createEffects, effects, startWorker } from "./_workers.ts";
import { steppingAgent, uniqueName, until } from "./_workflows.ts";

Deno.test("a run goes on at once when PGlite is opened after its process was killed [pglite]", async () => {
  const directory = await Deno.makeTempDir({ prefix: "timestep-pglite-" });
  const connectionString = `pglite:${directory}/data`;
  const agentName = uniqueName("Local");
  const steps: number[] = [];
  const agent = steppingAgent(agentName, 3, (number) => {
    steps.push(number);
    return `done ${number}`;
  });
  try {
    configureDBOS({ connectionString, execute: false });
    const database = await openDatabase({ connectionString });
    await createEffects(database);
    await queueAgentWorkflow({ agent, inputItems: "Go.", workflowId: "local" });
    await shutdownDBOS();
    await database.close();

    // Nobody can look into the directory while the worker has it: its second step never ends, so it is in there.
    const worker = startWorker({
      connectionString,
      agentName,
      steps: 3,
      stepMs: 200,
      stopsInStep: 2,
      heartbeatSeconds: 0.2,
      executorTimeoutSeconds: 600,
    });
    await worker.stuck;
    await worker.end();

    configureDBOS({ connectionString, executorTimeoutSeconds: 600 });
    registerAgent(agent);
    await ensureDBOSLaunched();
    await until(async () => (await getRun("local")).status === "completed");
    const again = await openDatabase({ connectionString });
    assertEquals((await effects(again, "local")).map(({ step }) => step), [1, 2]);
    await again.close();
    assertEquals(steps, [2, 3]);
  } finally {
    await shutdownDBOS();
    configureDBOS({});
    await Deno.remove(directory, { recursive: true });
  }
});
