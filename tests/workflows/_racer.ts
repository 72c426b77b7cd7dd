/**
 * Starts runs in a process of its own, at the moment in which it is told to by a line of its input: arguments are the
 * connection string and what is its own of the inputs. Prints, for each start, what came of it.
 *
 * @module
 */
import {
  configureDBOS,
  ensureDBOSLaunched,
  openDatabase,
  queueAgentWorkflow,
  runAgentWorkflow,
  shutdownDBOS,
  TimestepError,
  toolCall,
} from "../../mod.ts";
import { pause, steppingAgent, until } from "./_workflows.ts";

/** What came of a start: which run, what it answered, or the code of the error. */
export type Started = Record<
  "same" | "different" | "queued" | "deduplicated",
  { runId: string; answer: unknown } | { code: string; message: string }
>;

if (import.meta.main) {
  const [connectionString = "", own = ""] = Deno.args;
  const database = await openDatabase({ connectionString });
  // Nobody is to be taken for dead, however slow the machine.
  configureDBOS({ connectionString, executorTimeoutSeconds: 600 });
  const agent = steppingAgent("Raced", 2, async () => {
    const runId = toolCall()?.runId ?? "";
    await database.query("insert into public.effects (run_id, pid) values ($1, $2)", [runId, Deno.pid]);
    // Until then both have to be told of the run that holds the id.
    if (runId.startsWith("of ")) await until(async () => await countQueued() === 2);
    else await pause(20);
    return "done";
  });
  const countQueued = async () => (await database.query("select from public.queued")).length;
  await ensureDBOSLaunched();
  console.log("ready");
  await Deno.stdin.read(new Uint8Array(1));

  const start = async (begin: () => Promise<{ runId: string; finalOutput?: unknown }>) => {
    try {
      const { runId, finalOutput: answer } = await begin();
      return { runId, answer };
    } catch (error) {
      if (!(error instanceof TimestepError)) throw error;
      return { code: error.code, message: error.message };
    }
  };
  const inputItems = "Go.";
  const deduplicate = async () => {
    const workflowId = `of ${own}`;
    const handle = await queueAgentWorkflow({ agent, inputItems: own, workflowId, deduplicationId: "one" });
    await database.query("insert into public.queued (pid) values ($1)", [Deno.pid]);
    return await handle.getResult();
  };
  const [same, different, queued, deduplicated] = await Promise.all([
    start(() => runAgentWorkflow({ agent, inputItems, workflowId: "same" })),
    start(() => runAgentWorkflow({ agent, inputItems: own, workflowId: "different" })),
    start(async () => (await queueAgentWorkflow({ agent, inputItems, workflowId: "queued" })).getResult()),
    start(deduplicate),
  ]);
  console.log(JSON.stringify({ same, different, queued, deduplicated } satisfies Started));
  await shutdownDBOS();
  await database.close();
}
