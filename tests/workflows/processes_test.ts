import { assertEquals } from "@std/assert";
import { getRun, runAgentWorkflow } from "../../mod.ts";
import { testDatabases } from "../_databases.ts";
import { deno } from "../_child.ts";
import { startPostgres } from "../_postgres.ts";
import { steppingAgent, uniqueName, workflowTest } from "./_workflows.ts";
import { configureDBOS, queueAgentWorkflow, shutdownDBOS } from "../../mod.ts";

const postgres = testDatabases().some(({ engine }) => engine === "postgres");

/** So many runs are under way when Postgres goes away. */
const RUNS = 20;

/** Runs a program of this folder, and gives the last line of what it says. */
async function run(program: string, ...args: string[]): Promise<string> {
  const path = new URL(program, import.meta.url).pathname;
  const { text } = await deno(["run", "-A", "--no-check", path, ...args]);
  return text.trim().split("\n").at(-1) ?? "";
}

Deno.test({
  name: "ensureDBOSLaunched() succeeds in several processes at once on a new database [postgres]",
  ignore: !postgres,
  fn: async () => {
    for (const target of testDatabases().filter(({ engine }) => engine === "postgres")) {
      await using fresh = await target.create();
      const all = await Promise.all([1, 2, 3, 4].map(() => run("./_launcher.ts", fresh.connectionString)));
      assertEquals(all, ["launched", "launched", "launched", "launched"]);
    }
  },
});

workflowTest("decide() lets one of ten processes win", async ({ connectionString }, { engine }) => {
  // PGlite is open in one process only.
  if (engine === "pglite") return;
  const steps: number[] = [];
  const agent = steppingAgent(uniqueName("Careful"), 1, (number) => {
    steps.push(number);
    return "done";
  }, { needsApproval: true });
  const options = { agent, inputItems: "Go.", workflowId: "raced" };
  const { interruptions: [interruption] } = await runAgentWorkflow(options);
  const decisions = Array.from({ length: 10 }, (_, n) => n === 0 ? [] : [`No, says ${n}.`]);
  const said = await Promise.all(
    decisions.map((message) =>
      run("./_decider.ts", connectionString, "raced", interruption?.interruptionId ?? "", ...message)
    ),
  );
  assertEquals(said.filter((word) => word === "won").length, 1);
  assertEquals(said.filter((word) => word === "decision_conflict").length, 9);
  const end = await runAgentWorkflow(options);
  assertEquals([end.status, end.segment], ["completed", 1]);
  assertEquals(steps, said[0] === "won" ? [1] : []);
});

Deno.test({
  name: "runs go on after Postgres was restarted in the middle of them [postgres]",
  ignore: !postgres,
  fn: async () => {
    const server = await startPostgres();
    try {
      configureDBOS({ connectionString: server.uri, heartbeatSeconds: 0.2 });
      const begun = Promise.withResolvers<void>();
      const goOn = Promise.withResolvers<void>();
      let taken = 0;
      const agent = steppingAgent(uniqueName("Interrupted"), 3, async (number) => {
        if (++taken === RUNS) begun.resolve();
        if (number === 2) await goOn.promise;
        return "done";
      });
      const handles = [];
      for (let n = 0; n < RUNS; n++) handles.push(await queueAgentWorkflow({ agent, inputItems: "Go." }));
      await begun.promise;
      await server.restart("immediate");
      goOn.resolve();
      const results = await Promise.all(handles.map(({ workflowId }) => finished(workflowId)));
      assertEquals(results, Array(RUNS).fill("3 steps"));
    } finally {
      await shutdownDBOS();
      configureDBOS({});
      await server.stop();
    }
  },
});

/** The answer of a run, however often the database is not there when it is asked. */
async function finished(runId: string): Promise<unknown> {
  for (;;) {
    const run = await getRun(runId).catch(() => undefined);
    if (run?.finishedAt) return run.finalOutput ?? run.error;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
