/**
 * A process of its own, for tests that kill it: `save PLACE`, `resume PLACE` or `save-forever PLACE`. The place is
 * JSON: `{"path": ...}` or `{"connectionString": ...}`. It writes a line when something is done.
 *
 * @module
 */
import { assistantMessage } from "@openai/agents-core/testing";
import { runAgent, RunStateStore, TimestepError } from "@timestep-ai/timestep";
import { approveAll, pausedState, weatherAgent } from "./_runs.ts";

const [task, placeJson = "{}"] = Deno.args;
const { path, connectionString }: { path?: string; connectionString?: string } = JSON.parse(placeJson);
const { agent, told } = weatherAgent([assistantMessage("Sunny.")]);
const store = path === undefined
  ? new RunStateStore({ agent, sessionId: "s", connectionString })
  : new RunStateStore(path, agent);

switch (task) {
  case "save":
    await store.save(await pausedState());
    console.log("saved");
    break;
  case "resume":
    try {
      const result = await runAgent(agent, approveAll(await store.load()));
      console.log(JSON.stringify({ finalOutput: result.finalOutput, told }));
    } catch (error) {
      if (!(error instanceof TimestepError)) throw error;
      console.log(error.name);
    }
    break;
  case "save-forever": {
    const state = await pausedState("x".repeat(200_000));
    for (let count = 1;; count++) {
      await store.save(state);
      console.log(`saved ${count}`);
    }
  }
}
// Lives on, to be killed.
if (task === "save") setInterval(() => {}, 60_000);
else await store.close();
