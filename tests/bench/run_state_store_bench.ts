import { Agent, Runner, RunState, setTracingDisabled, tool } from "@openai/agents";
import { assistantMessage, functionCall, ScriptedModel } from "@openai/agents-core/testing";
import { DatabaseSession, RunStateStore } from "@timestep-ai/timestep";
import { z } from "zod";
import { agentDefinition } from "../../src/agents/agent_definition.ts";
import { DatabaseSnapshots } from "../../src/state/database_snapshots.ts";
import { seal } from "../../src/state/envelope.ts";
import { interruptionsOf, usageOf } from "../../src/state/run_facts.ts";
import { type FreshDatabase, testDatabases } from "../_databases.ts";
import { compare, quantile } from "./_ratio.ts";

/**
 * Prints what the database's part of saving and loading a run costs against one plain INSERT and SELECT of the same
 * bytes, next to the SDK's own serialisation; what adding to a conversation costs as it grows; and what memory
 * saving and loading 1,000 times leaves in use.
 */
export async function bench(): Promise<void> {
  for (const { engine, create } of testDatabases()) {
    await using fresh = await create();
    await fresh.database.script("create table public.plain (id text primary key, state json not null)");
    for (const turns of [1, 10, 100]) await saveAndLoad(`${engine}, ${turns} turns`, fresh, turns);
    await conversation(engine, fresh);
    await memory(engine, fresh);
  }
}

setTracingDisabled(true);

const PLAIN_INSERT = "insert into public.plain values ($1, $2::text::json)";
const PLAIN_SELECT = "select state::text from public.plain where id = $1";

async function saveAndLoad(where: string, { database }: FreshDatabase, turns: number): Promise<void> {
  const { agent, state } = await pausedRun(turns);
  const text = state.toString();
  const title = `${Math.round(text.length / 1024)} KB (${where})`;
  const snapshot = {
    agents: agentDefinition(agent),
    envelope: seal(agent, state),
    isEnded: false,
    interruptions: interruptionsOf(state),
    usage: usageOf(agent, state),
  };
  const options = { rounds: turns === 100 ? 21 : 61, warmUps: 8 };
  const place = (sessionId: string) => new DatabaseSnapshots(agent.name, sessionId, { database });

  const again = place(`${turns}`);
  let held = await again.add(snapshot, null);
  await compare(`save ${title}`, [
    { name: "plain INSERT", run: () => database.query(PLAIN_INSERT, [crypto.randomUUID(), text]) },
    {
      name: "database's part of the first save()",
      target: 1.5,
      run: () => place(crypto.randomUUID()).add(snapshot, null),
    },
    {
      name: "database's part of another save()",
      target: 1.5,
      run: async () => held = held && await again.replace(snapshot, held),
    },
    { name: "the SDK's toString()", run: () => state.toString() },
  ], options);

  const id = crypto.randomUUID();
  await database.query(PLAIN_INSERT, [id, text]);
  await compare(`load ${title}`, [
    { name: "plain SELECT", run: () => database.query(PLAIN_SELECT, [id]) },
    { name: "database's part of load()", target: 1.5, run: () => again.read() },
    { name: "the SDK's fromString()", run: () => RunState.fromString(agent, text) },
  ], options);
  await database.script("truncate public.plain");
}

/** Adds to a short and to a long conversation in turns: the cost has to be the same. */
async function conversation(engine: string, { database }: FreshDatabase): Promise<void> {
  const item = { role: "user" as const, content: "x".repeat(200) };
  const [short, long] = ["short", "long"].map((sessionId) => new DatabaseSession({ sessionId, database }));
  if (!short || !long) return;
  await long.addItems(Array.from({ length: 1_000 }, () => item));
  await compare(`DatabaseSession (${engine})`, [
    { name: "addItems() to a new conversation", run: () => short.addItems([item, item]) },
    { name: "addItems() to one of 1,000 items", target: 1.2, run: () => long.addItems([item, item]) },
    { name: "getItems(20) of it", run: () => long.getItems(20) },
    { name: "getItems() of it", run: () => long.getItems() },
  ], { rounds: 61, warmUps: 8 });
}

/** Saves and loads 1,000 times in this process: what is in use after garbage collection, early and at the end. */
async function memory(engine: string, { database }: FreshDatabase): Promise<void> {
  const { agent, state } = await pausedRun(10);
  await using store = new RunStateStore({ agent, sessionId: "memory", database });
  let current = state;
  const inUse: number[] = [];
  for (let round = 1; round <= 1_000; round++) {
    await store.save(current);
    current = await store.load();
    if (round % 50 === 0) inUse.push(heapInUse());
  }
  const [early, late] = [quantile(inUse.slice(1, 5), 0.5), quantile(inUse.slice(-4), 0.5)];
  const growth = late / early;
  console.log(`\nsaving and loading 1,000 times (${engine})`);
  console.log(
    `  heap in use ${megabytes(early)} after 100-250 times, ${megabytes(late)} after 850-1,000: ` +
      `${growth.toFixed(3)}x   target <= 1.2x: ${growth <= 1.2 ? "met" : "MISSED"}`,
  );
}

/** Bytes in use; after a collection where the program may ask for one (`--v8-flags=--expose-gc`). */
function heapInUse(): number {
  const collect: unknown = Reflect.get(globalThis, "gc");
  if (typeof collect === "function") collect();
  return Deno.memoryUsage().heapUsed;
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MB`;
}

/** A run that has made so many turns of two tool calls and then waits for an approval. */
async function pausedRun(turns: number) {
  const schema = z.object({ number: z.number() });
  const step = tool({
    name: "step",
    description: "Steps.",
    parameters: schema,
    execute: (input) => `${input.number}`,
  });
  const ask = tool({
    name: "ask",
    description: "Asks.",
    parameters: z.object({}),
    needsApproval: true,
    execute: () => "",
  });
  const calls = Array.from(
    { length: turns - 1 },
    (_, turn) =>
      [1, 2].map((number) => functionCall("step", { number }, { callId: `call_${turn}_${number}` })),
  );
  const model = new ScriptedModel([
    ...calls,
    [functionCall("ask", {}, { callId: "call_ask" })],
    [assistantMessage("Done.")],
  ]);
  const agent = new Agent({ name: "Walker", model, tools: [step, ask] });
  const { state } = await new Runner().run(agent, "Go", { maxTurns: turns + 1 });
  return { agent, state };
}
