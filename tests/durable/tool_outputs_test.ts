import { assertEquals, assertRejects } from "@std/assert";
import { Agent, Runner, tool } from "@openai/agents";
import { Buffer } from "node:buffer";
import { z } from "zod";
import { readRunEvents } from "../../src/durable/read_run_events.ts";
import type { Database } from "../../mod.ts";
import { execute, FunctionModel, Killed, MortalDatabase, say, testOnEach, tick } from "./_durable.ts";

const BYTES = new Uint8Array([137, 80]);
const cyclic: Record<string, unknown> = {};
cyclic.self = cyclic;

/** What tools may do, by their names; most of it has no form in JSON. */
const TOOLS: Record<string, () => unknown> = {
  undefined: () => undefined,
  null: () => null,
  bigint: () => 12n,
  innerBigint: () => ({ a: 12n }),
  notANumber: () => NaN,
  infinities: () => [Infinity, -Infinity, undefined, () => 1],
  date: () => new Date(0),
  noDate: () => new Date(NaN),
  innerDate: () => ({ at: new Date(0) }),
  bytes: () => BYTES,
  buffer: () => Buffer.from(BYTES),
  arrayBuffer: () => BYTES.buffer,
  floats: () => new Float64Array([1.5]),
  innerBytes: () => ({ bytes: BYTES, buffer: Buffer.from(BYTES), numbers: new Uint16Array([300]) }),
  cyclic: () => cyclic,
  symbol: () => Symbol("a"),
  function: () => String,
  map: () => new Map([["a", 1]]),
  url: () => new URL("https://example.com/a"),
  error: () => new RangeError("a"),
  numberObject: () => Object(3),
  describesItself: () => ({ toJSON: () => ({ a: 1 }) }),
  describesItselfBadly: () => ({
    toJSON: () =>
      (() => {
        throw new Error("a");
      })(),
  }),
  looksRecorded: () => ({ $timestep: "undefined", inner: { $timestep: "bigint", value: "3" } }),
  image: () => ({ type: "image", image: { data: BYTES, mediaType: "image/png" } }),
  imageInABuffer: () => ({ type: "image", image: { data: Buffer.from(BYTES), mediaType: "image/png" } }),
  imageElsewhere: () => ({ type: "image", image: "https://example.com/a.png" }),
  file: () => ({ type: "file", file: { data: BYTES, mediaType: "text/plain", filename: "a.txt" } }),
  several:
    () => [{ type: "text", text: "a" }, { type: "image", image: { data: BYTES, mediaType: "image/png" } }],
  throws: () => throwing(new RangeError("Out of paper.")),
  throwsAText: () => throwing("Out of paper."),
  throwsNull: () => throwing(null),
  throwsUndefined: () => Promise.reject(undefined),
  throwsAnObject: () => Promise.reject({ paper: 0 }),
};

async function recordedTools(database: Database, runId: string): Promise<number> {
  const rows = await database.query(
    "select from timestep.journal where run_id = $1 and kind = 'tool' and status = 'completed'",
    [runId],
  );
  return rows.length;
}

function throwing(thrown: unknown): never {
  throw thrown;
}

/** An agent that calls all tools at once, and what its model was sent then. */
function callsAll(beforeAnswer = () => Promise.resolve()) {
  const sent: unknown[] = [];
  const model = new FunctionModel(async ({ input }) => {
    if (typeof input === "string" || input.length === 1) {
      return Object.keys(TOOLS).map((name) => ({
        type: "function_call" as const,
        callId: name,
        name,
        status: "completed" as const,
        arguments: "{}",
      }));
    }
    await beforeAnswer();
    sent.push(...input);
    return [say("done")];
  });
  const tools = Object.entries(TOOLS).map(([name, execute]) =>
    tool({ name, description: "", parameters: z.object({}), execute })
  );
  return { agent: new Agent({ name: "All", model, tools }), sent };
}

testOnEach(
  "executeRun() sends a model what the SDK sends it of any result, live and on replay",
  async ({ database }) => {
    const bare = callsAll();
    await new Runner({ tracingDisabled: true }).run(bare.agent, "Go.");
    const mortal = new MortalDatabase(database);
    let isDying = false;
    const durable = callsAll(async () => {
      if (!isDying) return;
      while (await recordedTools(database, "killed") < Object.keys(TOOLS).length) await tick();
      mortal.kill();
    });
    const run = { agent: durable.agent, input: "Go." };
    assertEquals((await execute(database, { ...run, runId: "live" })).status, "completed");
    assertEquals(durable.sent.splice(0), bare.sent);

    isDying = true;
    await assertRejects(() => execute(mortal, { ...run, runId: "killed" }), Killed);
    isDying = false;
    assertEquals((await execute(database, { ...run, runId: "killed" })).status, "completed");
    assertEquals(durable.sent, bare.sent);

    const shown: Record<string, unknown> = {};
    for await (const event of readRunEvents(database, "killed")) {
      if (event.type === "tool_output") shown[event.callId] = event.output;
    }
    assertEquals(Object.keys(shown).toSorted(), Object.keys(TOOLS).toSorted());
    assertEquals(
      [shown.undefined, shown.bigint, shown.innerDate, shown.bytes, shown.url],
      [null, "12", { at: "1970-01-01T00:00:00.000Z" }, "iVA=", "https://example.com/a"],
    );
    assertEquals(shown.looksRecorded, TOOLS.looksRecorded?.());
  },
);
