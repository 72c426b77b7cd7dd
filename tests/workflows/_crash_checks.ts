import { assert, assertEquals } from "@std/assert";
import { type Database, DatabaseSession, type RunEvent } from "../../mod.ts";
import { readRunEvents } from "../../src/durable/read_run_events.ts";
import { TEXTS } from "./_crash_agents.ts";
import type { Note } from "./_crash_child.ts";

/**
 * Asserts that a run whose process died is as one whose process did not: it gave the same answer and used as much, what
 * was recorded was not done again, and the history and the events have nothing twice and no gap.
 *
 * @param undisturbed The other.
 */
export async function assertAsUndisturbed(
  database: Database,
  runId: string,
  undisturbed: string,
  notes: readonly Note[],
): Promise<void> {
  const own = notes.filter((note) => note.runId === runId);
  const found = own.find((note) => note.type === "found");
  const end = own.findLast((note) => note.type === "end");
  const expected = notes.find((note) => note.runId === undisturbed && note.type === "end");
  assert(found && end && expected?.type === "end");
  const death = own.find((note) => note.type === "death");
  const at = death ? `${runId}: ${death.place}` : runId;

  assertEquals([end.finalOutput, end.usage], [TEXTS[1], expected.usage], at);
  const steps = await readSteps(database, runId);
  assertEquals(steps, await readSteps(database, undisturbed), at);
  const effects = own.filter((note) => note.type === "effect");
  for (const [effect, keys] of Map.groupBy(steps, ({ effect }) => effect)) {
    const recorded = keys.filter(({ key }) => found.recorded.includes(key)).length;
    const made = effects.filter(({ kind, name }) => `${kind} ${name}` === effect);
    const after = made.filter(({ pid }) => pid === end.pid).length;
    const before = made.length - after;
    const message = `${effect}, ${at}`;
    assertEquals(after, keys.length - recorded, `what was not recorded is done once: ${message}`);
    // Beside what was recorded, one call may have been under way.
    assert(
      before === recorded || before === recorded + 1,
      `${before} times, recorded ${recorded}: ${message}`,
    );
    const idempotencyKeys = new Set(made.map(({ idempotencyKey }) => idempotencyKey));
    assertEquals(idempotencyKeys.size, 1, message);
  }
  assertEquals(await history(database, runId), await history(database, undisturbed), at);
  await assertEvents(database, runId, found.seen, at);
}

/** The calls that are recorded. Models are told apart by their agents, calls of tools by their ids. */
async function readSteps(database: Database, runId: string): Promise<{ key: string; effect: string }[]> {
  const rows = await database.query(
    `select key, kind || ' ' || case kind when 'model' then name else regexp_replace(key, '.*:', '') end as effect
     from timestep.journal where run_id = $1 and kind in ('model', 'tool') order by key`,
    [runId],
  );
  return rows.map(({ key, effect }) => ({ key: String(key), effect: String(effect) }));
}

async function history(database: Database, runId: string) {
  const session = new DatabaseSession({ sessionId: `of ${runId}`, database });
  return JSON.parse(JSON.stringify(await session.getItems()).replaceAll(runId, "the run"));
}

/** Each token once, also for somebody who has read before; and no hole in the stream. */
async function assertEvents(database: Database, runId: string, seen: RunEvent[], at: string) {
  const all = await Array.fromAsync(readRunEvents(database, runId));
  const rest = await Array.fromAsync(readRunEvents(database, runId, { after: seen.at(-1)?.position ?? 0 }));
  for (const events of [all, [...seen, ...rest]]) {
    assertEquals(Object.values(shown(events)).toSorted(), TEXTS.toSorted(), at);
    const positions = events.map(({ position }) => position);
    assertEquals(positions, [...new Set(positions)].toSorted((a, b) => a - b), at);
    const calls = events.flatMap((event) => event.type === "tool_output" ? [event.callId] : []);
    assertEquals(calls.toSorted(), ["e1", "e2", "p1", "t1", "t2"], at);
  }
  const [stream] = await database.query(
    `with taken as (
       select generate_series(position - json_array_length(events) + 1, position) as position
       from timestep.run_events where run_id = $1
       union all select position from timestep.journal where run_id = $1 and position is not null
     )
     select count(*)::int as positions, count(distinct position)::int as different, max(position)::int as last
     from taken`,
    [runId],
  );
  assertEquals([stream?.["positions"], stream?.["different"]], [stream?.["last"], stream?.["last"]], at);
}

/** What somebody sees who shows the text of each step, and starts a step anew when it is told to. */
function shown(events: RunEvent[]): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const event of events) {
    if (event.type === "reset") texts[event.step] = "";
    if (event.type !== "model_delta") continue;
    const { delta } = event.event as { delta: string };
    texts[event.step] = (texts[event.step] ?? "") + delta;
  }
  return texts;
}
