import { assert, assertEquals, assertRejects } from "@std/assert";
import { Agent, tool } from "@openai/agents";
import { z } from "zod";
import type { Database } from "../../mod.ts";
import { readRunEvents } from "../../src/durable/read_run_events.ts";
import type { RunEvent } from "../../src/durable/run_event.ts";
import {
  execute,
  FunctionModel,
  Killed,
  killEverywhere,
  modelOfTurns,
  MortalDatabase,
  say,
  testOnEach,
  tick,
} from "./_durable.ts";

const TEXT = "A long answer, given bit by bit.";

function talkingAgent(name: string): Agent {
  const echo = tool({ name: "echo", description: "", parameters: z.object({}), execute: () => "echoed" });
  return new Agent({ name, model: modelOfTurns([[["echo", "c1"]]], TEXT), tools: [echo] });
}

async function read(database: Database, runId: string, after = 0, limit = Infinity): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const event of readRunEvents(database, runId, { after })) {
    events.push(event);
    if (events.length >= limit) break;
  }
  return events;
}

/** What somebody sees who shows the text of each step, and starts a step anew when it is told to. */
function shown(events: RunEvent[]): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const event of events) {
    if (event.type === "reset") texts[event.step] = "";
    if (event.type !== "model_delta") continue;
    const { delta } = z.object({ delta: z.string() }).parse(event.event);
    texts[event.step] = (texts[event.step] ?? "") + delta;
  }
  return texts;
}

testOnEach("readRunEvents() gives each event once, from any cursor", async ({ database }) => {
  const agent = talkingAgent("Talker");
  await execute(database, { runId: "r", agent, input: "Go.", stream: true });
  const all = await read(database, "r");
  assertEquals(all.map(({ position }) => position), all.map((_event, index) => index + 1), "without gaps");
  assertEquals(shown(all), { "model:0.2": TEXT });
  assertEquals(all.filter(({ type }) => type !== "model_delta").map(({ type, step }) => [type, step]), [
    ["model_response", "model:0.1"],
    ["tool_output", "tool:0.1:c1"],
    ["model_response", "model:0.2"],
  ]);
  await assertRejects(() => read(database, "r", NaN), RangeError, "after is NaN");
  for (const { position } of all) assertEquals(await read(database, "r", position), all.slice(position));
});

testOnEach("readRunEvents() gives the steps of a run that does not stream", async ({ database }) => {
  const agent = talkingAgent("Quiet");
  await execute(database, { runId: "r", agent, input: "Go." });
  assertEquals((await read(database, "r")).map(({ type }) => type), [
    "model_response",
    "tool_output",
    "model_response",
  ]);
  assertEquals(await database.query("select count(*)::int as n from timestep.run_events"), [{ n: 0 }]);
});

testOnEach("readRunEvents() follows a run while it is executed, and ends with it", async ({ database }) => {
  const half = Promise.withResolvers<void>();
  const model = new FunctionModel(() => [say(TEXT)]);
  const { getStreamedResponse } = FunctionModel.prototype;
  model.getStreamedResponse = async function* (request) {
    let deltas = 0;
    for await (const event of getStreamedResponse.call(this, request)) {
      yield event;
      if (++deltas === 4) await half.promise;
    }
  };
  const agent = new Agent({ name: "Halting", model });
  const execution = execute(database, { runId: "r", agent, input: "Go.", stream: true });
  const events: RunEvent[] = [];
  while ((await database.query("select from timestep.runs")).length === 0) await tick();
  for await (const event of readRunEvents(database, "r")) {
    events.push(event);
    if (events.length === 4) half.resolve(); // Only what was read while the model was still at it lets it go on.
  }
  await execution;
  assertEquals(shown(events), { "model:0.1": TEXT });
});

testOnEach(
  "readRunEvents() gives no token twice and none too few, wherever the writer is killed",
  async ({ database }) => {
    const agent = talkingAgent("Mortal");
    const whole = { "model:0.2": TEXT };
    const places = await killEverywhere(
      database,
      (runId) => ({ runId, agent, input: "Go.", stream: true }),
      async ({ runId }, dies) => {
        const all = await read(database, runId);
        assertEquals(shown(all), whole, `from the beginning, ${JSON.stringify(dies)}`);
        assert(
          !all.some(({ type }) => type === "reset"),
          "who has seen nothing before is not told to forget it",
        );
        const positions = all.map(({ position }) => position);
        assertEquals(positions, positions.toSorted((a, b) => a - b));
      },
    );
    assert(places >= 2, `there were only ${places} writes to die at`);
  },
);

testOnEach(
  "readRunEvents() tells who has read part of an attempt that was cut off to start the step anew",
  async ({ database }) => {
    const agent = talkingAgent("Cut");
    let resets = 0;
    for (let at = 1; at <= 5; at++) {
      const run = { runId: `r${at}`, agent, input: "Go.", stream: true };
      const mortal = new MortalDatabase(database, { at, when: "after" });
      await execute(mortal, run).catch((error) => assert(error instanceof Killed));
      const [row] = await database.query(
        `select greatest((select max(position) from timestep.run_events where run_id = $1),
         (select max(position) from timestep.journal where run_id = $1)) as last`,
        [run.runId],
      );
      // What a reader has read before the crash: some, and all there was.
      const last = Number(row?.["last"] ?? 0);
      const first = last === 0 ? [] : await readNow(database, run.runId, last);
      await execute(database, run);
      for (let seen = 0; seen <= first.length; seen++) {
        const before = first.slice(0, seen);
        const after = await read(database, run.runId, before.at(-1)?.position ?? 0);
        resets += after.filter(({ type }) => type === "reset").length;
        assertEquals(
          shown([...before, ...after]),
          { "model:0.2": TEXT },
          `killed after write ${at}, ${seen} seen`,
        );
      }
    }
  },
);

/** The first `count` events of a run that nobody executes. */
function readNow(database: Database, runId: string, count: number): Promise<RunEvent[]> {
  return read(database, runId, 0, count);
}
