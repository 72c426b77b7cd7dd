import { assertEquals, assertRejects } from "@std/assert";
import { Agent, tool } from "@openai/agents";
import { z } from "zod";
import {
  createRun,
  type Database,
  executeRun,
  OwnershipLostError,
  registerAgent,
  transactional,
} from "../../mod.ts";
import { JournalWriter, type SegmentEnd, writeRow } from "../../src/durable/journal_writer.ts";
import type { JournalRow } from "../../src/durable/journal_row.ts";
import { execute, FunctionModel, modelOfTurns, say, testOnEach, tick } from "./_durable.ts";

const ROW: JournalRow = {
  key: "tool:0.1:c1",
  kind: "tool",
  status: "completed",
  name: "t",
  attempt: 1,
  output: '"x"',
};
const END: SegmentEnd = { status: "completed", finalOutput: "x", usage: [] };

/** Everything that an executor writes, by itself. */
const WRITES: Record<
  string,
  (
    database: Database,
    writer: JournalWriter,
    owner: { runId: string; segment: number; epoch: number },
  ) => Promise<unknown>
> = {
  "a step": (_database, writer) => writer.write(ROW),
  "the beginning of a step": (_database, writer) =>
    writer.write({ ...ROW, status: "started", output: undefined }),
  "a step in a tool's transaction": (database, _writer, owner) =>
    database.transaction((transaction) => writeRow(transaction, owner, ROW)),
  "items of a session": (_database, writer) =>
    writer.write({ ...ROW, items: '[{"role":"user","content":"x"}]' }),
  "events": (_database, writer) => {
    writer.emit("model:0.1", 1, '{"type":"output_text_delta","delta":"x"}');
    return writer.drain();
  },
  "the place of a step in the stream": (_database, writer) => writer.publish("tool:0.1:c0"),
  "the end of the run": (database, writer) => writer.close(database, END),
  "the end of the run with its last steps": async (database, writer) => {
    const written = writer.write(ROW);
    await writer.close(database, END);
    await written;
  },
};

/** What makes an executor's writes stale. */
const EVENTS: Record<string, string> = {
  "another process has taken the run over": "update timestep.runs set epoch = epoch + 1 where run_id = 'r'",
  "the run was cancelled":
    "update timestep.runs set status = 'cancelled', finished_at = now() where run_id = 'r'",
  "the run was cancelled and its epoch raised":
    "update timestep.runs set status = 'cancelled', epoch = epoch + 1, finished_at = now() where run_id = 'r'",
  "the run waits": "update timestep.runs set status = 'interrupted' where run_id = 'r'",
  "the run is gone": "delete from timestep.runs where run_id = 'r'",
};

for (const [event, sql] of Object.entries(EVENTS)) {
  testOnEach(`JournalWriter writes nothing when ${event}`, async ({ database }) => {
    for (const [write, act] of Object.entries(WRITES)) {
      await database.query("delete from timestep.runs");
      await database.query(
        "insert into timestep.runs (run_id, agent_name, session_id, status, epoch) values ('r', 'a', 's', 'running', 1)",
      );
      await database.query(
        `insert into timestep.journal (run_id, key, segment, epoch, attempt, kind, status)
         values ('r', 'tool:0.1:c0', 0, 1, 1, 'tool', 'completed')`,
      );
      await database.query(sql);
      const before = await everything(database);
      const owner = { runId: "r", segment: 0, epoch: 1 };
      const failures: unknown[] = [];
      const writer = new JournalWriter(database, owner, 0, (error) => failures.push(error));
      await assertRejects(async () => await act(database, writer, owner), OwnershipLostError);
      assertEquals(await everything(database), before, `${write} was written`);
      writer.dispose();
    }
  });
}

async function everything(database: Database): Promise<unknown> {
  return [
    await database.query("select run_id, status, epoch, final_output from timestep.runs"),
    await database.query("select key, status, position, output from timestep.journal order by key"),
    await database.query("select * from timestep.run_events"),
    await database.query("select * from timestep.usage"),
    await database.query("select * from timestep.sessions"),
  ];
}

testOnEach("executeRun() stops and writes nothing more when the run is taken over", async ({ database }) => {
  const reached = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  let calls = 0;
  const slow = tool({
    name: "slow",
    description: "",
    parameters: z.object({}),
    execute: async () => {
      if (++calls === 1) {
        reached.resolve();
        await goOn.promise;
      }
      return `call ${calls}`;
    },
  });
  const model = new FunctionModel(({ input }) => {
    const result = Array.isArray(input)
      ? input.find(({ type }) => type === "function_call_result")
      : undefined;
    if (!result) {
      return [{ type: "function_call", callId: "c1", name: "slow", arguments: "{}", status: "completed" }];
    }
    return [say(JSON.stringify(result))];
  });
  const agent = new Agent({ name: "Slow", model, tools: [slow] });
  const run = { runId: "r", agent, input: "Go." };
  const zombie = execute(database, { ...run, executorId: "zombie" });
  await reached.promise;
  const outcome = await execute(database, { ...run, executorId: "successor" });
  const rows = await everything(database);
  goOn.resolve();
  assertEquals(await zombie, outcome, "it tells what became of the run");
  assertEquals(await everything(database), rows);
  assertEquals(calls, 2);
});

testOnEach(
  "executeRun() makes no call that was made elsewhere while its process stood still",
  async ({ database }) => {
    const reached = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const { now } = Date;
    const calls: string[] = [];
    let asked = 0;
    const pay = tool({
      name: "pay",
      description: "",
      parameters: z.object({}),
      needsApproval: async () => {
        if (++asked > 1) return false;
        reached.resolve();
        await goOn.promise;
        return false;
      },
      execute: () => calls.push("paid"),
    });
    const model = modelOfTurns([[["pay", "c1"]]]);
    const agent = new Agent({ name: "Payer", model, tools: [pay] });
    registerAgent(agent);
    await createRun(database, { runId: "r", agent, input: "Go." });
    const run = { database, runId: "r", segment: 0, watchIntervalMs: 1_000_000 };
    const zombie = executeRun({ ...run, executorId: "zombie" });
    await reached.promise;
    const outcome = await executeRun({ ...run, executorId: "successor" });
    try {
      // Its process goes on after a minute.
      Date.now = () => now() + 60_000;
      goOn.resolve();
      assertEquals(await zombie, outcome);
    } finally {
      Date.now = now;
    }
    assertEquals([calls, model.calls], [["paid"], 2]);
  },
);

testOnEach("executeRun() rolls a zombie's transaction back", async ({ database }) => {
  if (database.engine === "pglite") return; // One connection: nobody can take the run over during a transaction.
  await database.script("create table effects (name text)");
  const reached = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  let calls = 0;
  const write = tool({
    name: "write",
    description: "",
    parameters: z.object({}),
    execute: transactional(async (transaction) => {
      const name = `call ${++calls}`;
      await transaction.query("insert into effects values ($1)", [name]);
      if (calls === 1) {
        reached.resolve();
        await goOn.promise;
      }
      return name;
    }),
  });
  const agent = new Agent({ name: "Writer", model: modelOfTurns([[["write", "c1"]]]), tools: [write] });
  const run = { runId: "r", agent, input: "Go." };
  const zombie = execute(database, { ...run, executorId: "zombie" });
  await reached.promise;
  const outcome = await execute(database, { ...run, executorId: "successor" });
  goOn.resolve();
  assertEquals(await zombie, outcome);
  assertEquals(await database.query("select name from effects"), [{ name: "call 2" }]);
});

testOnEach(
  "executeRun() aborts the model call in flight when the run is cancelled elsewhere",
  async ({ database }) => {
    const reached = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<void>();
    const model = new FunctionModel(({ signal }) => {
      reached.resolve();
      return new Promise((_resolve, reject) => {
        signal?.addEventListener("abort", () => {
          aborted.resolve();
          reject(signal.reason);
        });
      });
    });
    const agent = new Agent({ name: "Patient", model });
    registerAgent(agent);
    await createRun(database, { runId: "r", agent, input: "Go." });
    const execution = executeRun({ database, runId: "r", segment: 0, executorId: "e", watchIntervalMs: 5 });
    await reached.promise;
    await database.query(
      "update timestep.runs set status = 'cancelled', epoch = epoch + 1, finished_at = now() where run_id = 'r'",
    );
    await aborted.promise;
    assertEquals((await execution).status, "cancelled");
    await tick();
  },
);
