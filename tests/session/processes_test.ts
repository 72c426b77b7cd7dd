import { assert, assertEquals } from "@std/assert";
import { DatabaseSession } from "../../mod.ts";
import { testDatabases } from "../_databases.ts";
import { startProgram } from "../database/_program.ts";

/** Waits until all writers are there; then writes batches of three, and says so after each. */
const WRITER = `
import { DatabaseSession, openDatabase } from "@timestep-ai/timestep";
const [connectionString, writer, writers, rounds] = Deno.args;
const database = await openDatabase({ connectionString });
await new DatabaseSession({ sessionId: "ready", database }).addItems([{ role: "user", content: writer }]);
const ready = "select from timestep.session_items where session_id = 'ready'";
while ((await database.query(ready)).length < Number(writers)) await new Promise((resolve) => setTimeout(resolve, 5));
const session = new DatabaseSession({ sessionId: "shared", database });
for (let round = 0; round < Number(rounds); round++) {
  await session.addItems([0, 1, 2].map((part) => ({ role: "user", content: [writer, round, part].join(" ") })));
  console.log(round);
}
await database.close();
`;

const ROUNDS = 60;

for (const target of testDatabases().filter(({ engine }) => engine === "postgres")) {
  Deno.test("addItems() keeps batches whole and in order when several processes write and one is killed", async () => {
    await using fresh = await target.create();
    const start = (writer: number) =>
      startProgram(WRITER, [fresh.connectionString, String(writer), "3", String(ROUNDS)]);
    await using first = await start(0);
    await using second = await start(1);
    await using killed = await start(2);
    let confirmed = 0;
    while (confirmed < 5 && await killed.line() !== null) confirmed++;
    await killed.kill();
    for (const program of [first, second]) assertEquals(await program.ended(), { code: 0, errors: "" });

    const session = new DatabaseSession({ sessionId: "shared", database: fresh.database });
    const items = (await session.getItems()).map((item) => "content" in item ? String(item.content) : "");
    const rounds = [0, 0, 0];
    for (let place = 0; place < items.length; place += 3) {
      const writer = Number(items[place]?.split(" ")[0]);
      const round = rounds[writer] ?? NaN;
      assertEquals(items.slice(place, place + 3), [0, 1, 2].map((part) => `${writer} ${round} ${part}`));
      rounds[writer] = round + 1;
    }
    const [ofFirst, ofSecond, ofKilled = 0] = rounds;
    assertEquals([ofFirst, ofSecond], [ROUNDS, ROUNDS]);
    assert(ofKilled >= confirmed, `${confirmed} were confirmed, and ${ofKilled} are there`);
  });
}
