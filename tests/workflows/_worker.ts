/**
 * A worker in a process of its own, to be killed. Its agent does a number of steps, each of which is noted in the
 * table `effects` of the database before it takes its time.
 *
 * @module
 */
import {
  configureDBOS,
  ensureDBOSLaunched,
  handOver,
  openDatabase,
  registerAgent,
  shutdownDBOS,
  toolCall,
} from "../../mod.ts";
import { pause, steppingAgent } from "./_workflows.ts";

/** What a worker is told, as JSON in its first argument. */
export interface WorkerOptions {
  connectionString: string;
  agentName: string;
  steps: number;
  stepMs: number;
  heartbeatSeconds: number;
  executorTimeoutSeconds: number;
  /** Say `stuck` in this step and never come to its end; or come to it after some time, and say `awake` first. */
  stopsInStep?: number;
  wakesAfterMs?: number;
  /** Hand over so long after the first step has begun, and end. */
  handOverAfterMs?: number;
}

if (import.meta.main) {
  const options: WorkerOptions = JSON.parse(Deno.args[0] ?? "");
  const { connectionString, agentName, steps, stepMs, heartbeatSeconds, executorTimeoutSeconds } = options;
  const begun = Promise.withResolvers<void>();
  const database = await openDatabase({ connectionString });
  configureDBOS({ connectionString, heartbeatSeconds, executorTimeoutSeconds });
  registerAgent(steppingAgent(agentName, steps, async (number) => {
    await database.query("insert into public.effects (run_id, step, pid) values ($1, $2::int, $3::int)", [
      toolCall()?.runId ?? "",
      number,
      Deno.pid,
    ]);
    begun.resolve();
    if (number === options.stopsInStep) {
      console.log("stuck");
      if (options.wakesAfterMs === undefined) await new Promise(() => {});
      await pause(options.wakesAfterMs ?? 0);
      console.log("awake");
    }
    await pause(stepMs);
    return `done ${number}`;
  }));
  await ensureDBOSLaunched();
  console.log("ready");
  if (options.handOverAfterMs !== undefined) {
    await begun.promise;
    await handOver({ deadline: new Date(Date.now() + options.handOverAfterMs) });
    await shutdownDBOS();
    await database.close();
  }
}
