import { assert, assertEquals, assertRejects } from "@std/assert";
import { Agent, tool } from "@openai/agents";
import { z } from "zod";
import { type Database, openDatabase, OwnershipLostError, StatementError } from "../../mod.ts";
import type { Parameter, Row, Transaction } from "../../src/database/database.ts";
import type { JournalRow } from "../../src/durable/journal_row.ts";
import { JournalWriter } from "../../src/durable/journal_writer.ts";
import { execute, Killed, modelOfTurns, MortalDatabase, testOnEach } from "./_durable.ts";

const ROW: JournalRow = {
  key: "tool:0.1:c1",
  kind: "tool",
  status: "completed",
  name: "t",
  attempt: 1,
  output: '"x"',
};

/** Text that is escaped in JSON, in every way. */
const ODD = JSON.stringify({ text: '"quoted" \\ \0 \ud800 ü\n' });

testOnEach("JournalWriter writes with those of other runs in one transaction", async ({ database }) => {
  const counting = new CountingDatabase(database);
  const writers = await runs(counting, "a", "b", "c");
  counting.statements = 0;
  await Promise.all(writers.flatMap((writer) => {
    writer.emit("model:0.1", 1, ODD);
    return [writer.write({ ...ROW, output: ODD }), writer.write({ ...ROW, key: "tool:0.1:c2" })];
  }));
  assertEquals(counting.statements, 1);
  await Promise.all(writers.map((writer) => writer.close(counting, { ...ENDED, finalOutput: "done" })));
  assertEquals(counting.statements, 2);
  for (const runId of ["a", "b", "c"]) {
    assertEquals(
      await database.query(
        "select key, position, output::text as output from timestep.journal where run_id = $1 order by position",
        [runId],
      ),
      [{ key: "tool:0.1:c1", position: 2, output: ODD }, { key: "tool:0.1:c2", position: 3, output: '"x"' }],
    );
    assertEquals(
      await database.query(
        "select r.status, r.final_output, e.events::text as events from timestep.runs r join timestep.run_events e using (run_id) where run_id = $1",
        [runId],
      ),
      [{ status: "completed", final_output: "done", events: `[${ODD}]` }],
    );
  }
});

testOnEach(
  "JournalWriter.write() writes what is added as soon as the last write is committed",
  async ({ database }) => {
    const [writer] = await runs(database, "a");
    for (const key of ["tool:0.1:c1", "tool:0.1:c2", "tool:0.1:c3"]) await writer.write({ ...ROW, key });
    const rows = await database.query("select key from timestep.journal order by position");
    assertEquals(rows.map(({ key }) => key), ["tool:0.1:c1", "tool:0.1:c2", "tool:0.1:c3"]);
  },
);

testOnEach("JournalWriter writes for a run when one beside it was taken over", async ({ database }) => {
  const [a, b, c] = await runs(database, "a", "b", "c");
  await database.query("update timestep.runs set epoch = epoch + 1 where run_id = 'b'");
  const written = [a.write(ROW), b.write(ROW), c.write(ROW)];
  await Promise.all([written[0], written[2]]);
  await assertRejects(() => written[1] as Promise<void>, OwnershipLostError, 'run "b"');
  assertEquals(await writtenRuns(database), ["a", "c"]);
});

testOnEach(
  "JournalWriter writes for a run when the database refuses what is written for one beside it",
  async ({ database }) => {
    const [a, b, c] = await runs(database, "a", "b", "c");
    const written = [a.write(ROW), b.write({ ...ROW, output: "no JSON" }), c.write(ROW)];
    await Promise.all([written[0], written[2]]);
    await assertRejects(() => written[1] as Promise<void>, StatementError);
    assertEquals(await writtenRuns(database), ["a", "c"]);
  },
);

testOnEach("JournalWriter does not wait for the lock on a run beside it", async (fresh) => {
  if (fresh.database.engine === "pglite") return; // One connection: nobody else can have a lock.
  const [a, b, c] = await runs(fresh.database, "a", "b", "c");
  const other = await openDatabase({ connectionString: fresh.connectionString });
  try {
    const written = await other.transaction(async (transaction) => {
      await transaction.query("select from timestep.runs where run_id = 'b' for update");
      const written = [a.write(ROW), b.write(ROW), c.write(ROW)];
      await Promise.all([written[0], written[2]]);
      return { ofB: written[1] };
    });
    await written.ofB;
    assertEquals(await writtenRuns(fresh.database), ["a", "b", "c"]);
  } finally {
    await other.close();
  }
});

testOnEach("JournalWriter does not wait for the lock on a session beside it", async (fresh) => {
  if (fresh.database.engine === "pglite") return; // One connection: nobody else can have a lock.
  const [a, b, c] = await runs(fresh.database, "a", "b", "c");
  await fresh.database.query("update timestep.runs set session_id = 's' || run_id");
  await fresh.database.query("insert into timestep.sessions (session_id) values ('sa'), ('sb')");
  const other = await openDatabase({ connectionString: fresh.connectionString });
  try {
    const items = '[{"role":"user","content":"x"}]';
    const written = await other.transaction(async (transaction) => {
      await transaction.query("select from timestep.sessions where session_id = 'sb' for update");
      const written = [a, b, c].map((writer) => writer.write({ ...ROW, items }));
      await Promise.all([written[0], written[2]]);
      return { ofB: written[1] };
    });
    await written.ofB;
    assertEquals(await writtenRuns(fresh.database), ["a", "b", "c"]);
    const added = await fresh.database.query(
      "select session_id, position, item ->> 'content' as text from timestep.session_items order by session_id",
    );
    assertEquals(added.map(({ session_id }) => session_id), ["sa", "sb", "sc"]);
  } finally {
    await other.close();
  }
});

testOnEach("JournalWriter adds what a step adds to the session once, and in order", async ({ database }) => {
  const [writer] = await runs(database, "a");
  await database.query("update timestep.runs set session_id = 's'");
  const add = (key: string, ...items: string[]) =>
    writer.write({ ...ROW, key, kind: "session", output: "null", items: `[${items.join(",")}]` });
  await Promise.all([add("session:0.add", ODD, '"x"'), add("session:0.add#2", '"y"')]);
  // As after an answer that was lost.
  await add("session:0.add", ODD, '"x"');
  const items = await database.query(
    "select position, item::text as item from timestep.session_items where session_id = 's' order by position",
  );
  assertEquals(items.map(({ item }) => item), [ODD, '"x"', '"y"']);
});

testOnEach(
  "executeRun() does nothing again that is recorded, wherever several runs are killed at once",
  async ({ database }) => {
    for (let at = 1;; at++) {
      let writes = 0;
      for (const when of ["before", "after"] as const) {
        const made: string[] = [];
        const ids = ["x", "y", "z"].map((name) => `${name}-${when}-${at}`);
        const agents = new Map(ids.map((runId) => [runId, counter(runId, made)]));
        const run = (runId: string) => ({ runId, agent: agents.get(runId) as Agent, input: "Go." });
        const mortal = new MortalDatabase(database, { at, when });
        const killed = await Promise.allSettled(ids.map((runId) => execute(mortal, run(runId))));
        for (const result of killed) {
          if (result.status === "rejected") assert(result.reason instanceof Killed, `${result.reason}`);
        }
        const recorded = await database.query(
          "select run_id || ' ' || split_part(key, ':', 3) as call from timestep.journal where kind = 'tool'",
        );
        made.length = 0;
        const outcomes = await Promise.all(ids.map((runId) => execute(database, run(runId))));
        assertEquals(outcomes.map(({ status }) => status), ["completed", "completed", "completed"]);
        const repeated = made.filter((call) => recorded.some((row) => row["call"] === call));
        assertEquals(repeated, [], `killed ${when} write ${at}`);
        writes = Math.max(writes, mortal.writes);
      }
      if (writes < at) break;
    }
  },
);

const ENDED = { status: "completed" as const, usage: [] };

/** Writers for runs that this process executes. */
async function runs<const TIds extends readonly string[]>(
  database: Database,
  ...runIds: TIds
): Promise<{ [TIndex in keyof TIds]: JournalWriter }> {
  await database.query(
    "insert into timestep.runs (run_id, agent_name, status, epoch) select id, 'a', 'running', 1 from unnest($1::text[]) id",
    [runIds],
  );
  const writers = runIds.map((runId) =>
    new JournalWriter(database, { runId, segment: 0, epoch: 1 }, 0, () => {})
  );
  return writers as { [TIndex in keyof TIds]: JournalWriter };
}

async function writtenRuns(database: Database): Promise<unknown[]> {
  const rows = await database.query("select run_id from timestep.journal order by run_id");
  return rows.map((row) => row["run_id"]);
}

/** An agent of two turns with two calls each; it notes the calls that are made. */
function counter(runId: string, made: string[]): Agent {
  const note = tool({
    name: "note",
    description: "",
    parameters: z.object({}),
    execute: (_input, _context, details) => {
      made.push(`${runId} ${details?.toolCall?.callId}`);
      return "noted";
    },
  });
  const turns = modelOfTurns([[["note", "a"], ["note", "b"]], [["note", "c"], ["note", "d"]]]);
  return new Agent({ name: `Counter of ${runId}`, model: turns, tools: [note] });
}

/** Counts the statements. */
class CountingDatabase implements Database {
  readonly engine: Database["engine"];
  statements = 0;
  readonly #database: Database;

  constructor(database: Database) {
    this.engine = database.engine;
    this.#database = database;
  }

  query(text: string, parameters?: readonly Parameter[]): Promise<Row[]> {
    this.statements++;
    return this.#database.query(text, parameters);
  }

  script(sql: string): Promise<void> {
    return this.#database.script(sql);
  }

  transaction<T>(body: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.#database.transaction(body);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
