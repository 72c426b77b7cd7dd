import { assert, assertEquals } from "@std/assert";
import { createAgentsClient, type Database, follow } from "../../mod.ts";
import type { FollowEvent } from "../../src/http/client/follow.ts";
import { testDatabases } from "../_databases.ts";
import { EXTENSIONS, sendRequests } from "./_extensions.ts";
import { assertAtMostOneRepeated, DISPATCH_KEY, type Project, SECRET_KEY, startProject } from "./_project.ts";

const ANSWER = "The weather in Oakland is sunny and 72°F";

for (const target of testDatabases()) {
  // Several processes: not PGlite.
  if (target.engine === "pglite") continue;

  isolateTest("a response goes on in another isolate when all are killed in the middle of a token stream", {
    target,
    async end({ isolates }) {
      assert(await isolates.kill() > 0);
    },
  });

  isolateTest("a response goes on in another isolate when the platform ends the first one after notice", {
    target,
    async end({ isolates }, database) {
      const warned = await executors(database);
      assert(warned.length > 0);
      await isolates.warn();
      // They sign off and let go of their runs: nobody has to wait until they count as dead.
      while ((await executors(database)).some((id) => warned.includes(id))) await pause();
    },
  });
}

interface IsolateTest {
  target: ReturnType<typeof testDatabases>[number];
  /** Ends the isolates while a client reads. */
  end(project: Project, database: Database): Promise<void>;
}

function isolateTest(name: string, { target, end }: IsolateTest): void {
  Deno.test(name, async () => {
    await using fresh = await target.create();
    const { database } = fresh;
    await database.script(EXTENSIONS);
    await using project = startProject(fresh.connectionString);
    const { isolates, model } = project;
    await database.query("select vault.create_secret($1, 'timestep_worker_url')", [`${isolates.url}/worker`]);
    await database.query("select vault.create_secret($1, 'timestep_dispatch_key')", [DISPATCH_KEY]);
    const stopSending = sendRequests(database);
    const stopTicking = tick(database);
    try {
      const client = await createAgentsClient({ baseURL: `${isolates.url}/agents/v1`, apiKey: SECRET_KEY });
      model.hold(3);
      const { id } = await client.responses.create({
        model: "Assistant",
        input: "What's the weather in Oakland?",
        background: true,
      });
      const events: FollowEvent[] = [];
      let ended: Promise<void> | undefined;
      for await (const event of follow(client, id, { attempts: 1000 })) {
        events.push(event);
        if (event.type !== "response.output_text.delta" || ended) continue;
        // In the middle of it, while the reader goes on reading.
        ended = model.reached.then(() => end(project, database)).then(() => model.release());
      }
      await ended;

      assertEquals(events.map(numberOf), events.map((_event, index) => index));
      assertEquals(events.at(-1)?.type, "response.completed");
      const deltas = events.flatMap((event) =>
        event.type === "response.output_text.delta" ? [event.delta] : []
      );
      assert(deltas.length > 3, `${deltas}`);
      assertEquals(deltas.join(""), ANSWER);
      assertEquals((await client.responses.retrieve(id)).output_text, ANSWER);
      await assertAtMostOneRepeated(database, id, model.calls);
    } finally {
      await stopTicking();
      await stopSending();
      await isolates.kill();
    }
  });
}

/** What pg_cron does. */
function tick(database: Database): () => Promise<void> {
  let stopped = false;
  const ticking = (async () => {
    while (!stopped) {
      await database.query("select timestep.tick()");
      await pause();
    }
  })();
  return async () => {
    stopped = true;
    await ticking;
  };
}

function numberOf(event: FollowEvent): number {
  return "sequence_number" in event ? event.sequence_number : NaN;
}

async function executors(database: Database): Promise<string[]> {
  const rows = await database.query("select executor_id from timestep.executors");
  return rows.map((row) => String(row["executor_id"]));
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 100));
}
