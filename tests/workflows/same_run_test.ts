import { assert, assertEquals } from "@std/assert";
import { testDatabases } from "../_databases.ts";
import type { Started } from "./_racer.ts";

/** Starts a process that waits, launched, to be told to start its runs. */
async function startRacer(connectionString: string, own: string) {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      new URL("./_racer.ts", import.meta.url).pathname,
      connectionString,
      own,
    ],
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const output = child.stdout.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
  let text = "";
  for (let next = await output.next(); !next.done; next = await output.next()) {
    text += next.value;
    if (text.includes("ready\n")) break;
  }
  return {
    /** Tells it to start, and waits for what came of it. */
    async start(): Promise<Started> {
      await new Blob(["\n"]).stream().pipeTo(child.stdin);
      for (let next = await output.next(); !next.done; next = await output.next()) text += next.value;
      assertEquals((await child.status).code, 0, text);
      return JSON.parse(text.trim().split("\n").at(-1) ?? "");
    },
  };
}

// A second process can't open a directory of PGlite's.
for (const target of testDatabases().filter(({ engine }) => engine === "postgres")) {
  const name = "runAgentWorkflow() and queueAgentWorkflow() make one run of what two processes start at once";
  Deno.test(`${name} [${target.engine}]`, async () => {
    await using fresh = await target.create();
    const { connectionString, database } = fresh;
    await database.script(
      "create table public.effects (run_id text, pid int); create table public.queued (pid int)",
    );
    const racers = await Promise.all(["a", "b"].map((own) => startRacer(connectionString, own)));
    const [a, b] = await Promise.all(racers.map((racer) => racer.start()));
    const answer = "2 steps";
    assertEquals([a?.same, b?.same], Array(2).fill({ runId: "same", answer }));
    assertEquals([a?.queued, b?.queued], Array(2).fill({ runId: "queued", answer }));

    // With other input it is not the same run: one is told so.
    const [won, lost] = a && "answer" in a.different ? [a, b] : [b, a];
    assertEquals(won?.different, { runId: "different", answer });
    assert(lost && "code" in lost.different, JSON.stringify(lost));
    assertEquals(lost.different.code, "run_conflict");
    assert(lost.different.message.includes("another input"), lost.different.message);

    // Of what is deduplicated the first counts, whatever the input of the second.
    assert(a && "answer" in a.deduplicated, JSON.stringify(a));
    assertEquals(a.deduplicated, b?.deduplicated);
    assertEquals(a.deduplicated.answer, answer);

    const effects = await database.query(
      "select run_id, count(*)::int as calls, count(distinct pid)::int as processes from public.effects group by 1",
    );
    assertEquals(
      effects.toSorted((x, y) => String(x.run_id) < String(y.run_id) ? -1 : 1),
      ["different", a.deduplicated.runId, "queued", "same"].map((run_id) => ({
        run_id,
        calls: 2,
        processes: 1,
      })),
    );
  });
}
