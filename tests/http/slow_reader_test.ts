import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { inProcessTest } from "./_in_process.ts";
import { makeWorld } from "./_world.ts";

inProcessTest("a stream that nobody reads is left in the database", async (serve, database) => {
  const { assistant } = makeWorld();
  const client = serve({ agents: [assistant] });
  const ask = { model: assistant.name, input: "one two three", stream: true } as const;
  const read = await client.responses.create(ask).asResponse();
  const unread = await client.responses.create(ask).asResponse();
  assertStringIncludes(await read.text(), "response.completed");
  const [row] = await database.query(
    "select response_id as id from timestep.responses order by number desc limit 1",
  );
  const types: string[] = [];
  const again = await client.responses.retrieve(String(row?.["id"]), { stream: true });
  for await (const { type } of again) types.push(type);
  assertEquals(types.at(-1), "response.completed");
  // Whoever had been given all of it would not notice.
  await database.query("delete from timestep.runs");
  await assertRejects(() => unread.text(), Error, "is gone");
});
