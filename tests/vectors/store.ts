/**
 * Runs a scenario with the TypeScript module up to its next pause, or its end, on a database that the other language
 * shares: `deno run -A tests/vectors/store.ts <scenario> <number of pauses behind it> <connection string>`, or
 * `file:<path>` in the place of the last.
 *
 * Without a pause behind it the scenario begins; else its paused run is loaded, decided as the scenario says, and
 * resumed. Prints one line of JSON: what the model was sent, which tools ran, the final output or null, the usage.
 *
 * @module
 */

import type { AgentInputItem } from "@openai/agents";
import { DatabaseSession, runAgent, RunStateStore } from "../../mod.ts";
import type { Scenario } from "./scenario.ts";
import scenarios from "./scenarios.json" with { type: "json" };
import { decide, Stage, type StageState, usageOf } from "./stage.ts";
import { inputOf } from "./typescript.ts";

const [name, pauses = "0", connectionString] = Deno.args;
const number = Number(pauses);
const scenario = (scenarios as Scenario[]).find((candidate) => candidate.name === name);
if (!scenario || connectionString === undefined) {
  throw new Error("Give a scenario, a number and a connection string");
}

const stage = new Stage(scenario, Number(Deno.env.get("MODEL_CALLS") ?? 0));
await using session = scenario.session
  ? new DatabaseSession({ sessionId: "shared", connectionString })
  : undefined;
await using store = connectionString.startsWith("file:")
  ? new RunStateStore(connectionString.slice("file:".length), stage.agent)
  : new RunStateStore({ agent: stage.agent, sessionId: "shared", connectionString });

let start: string | AgentInputItem[] | StageState;
if (number === 0) {
  await session?.addItems(
    (scenario.session ?? []).map((content) => ({ type: "message", role: "user", content })),
  );
  start = inputOf(scenario);
} else {
  // Left to itself, the error of a program that imports the SDK is shown without its message.
  const loaded: StageState = await store.load<Record<string, unknown>>().catch((error) => {
    console.error(String(error));
    Deno.exit(1);
  });
  decide(loaded, scenario.pauses[number - 1]?.after);
  start = loaded;
}
const result = await runAgent(stage.agent, start, session);
if (result.interruptions.length > 0) {
  decide(result.state, scenario.pauses[number]?.before);
  await store.save(result.state);
}
console.log(JSON.stringify({
  ...stage.trail,
  modelCalls: stage.modelCalls,
  finalOutput: result.interruptions.length > 0 ? null : result.finalOutput,
  usage: usageOf(result.state),
  session: await session?.getItems() ?? null,
  losses: store.losses.map(({ path }) => path),
}));
