import { assert, assertEquals, assertRejects } from "@std/assert";
import { DatabaseError, openDatabase } from "@timestep-ai/timestep";
import { existsSync } from "node:fs";
import { testDatabases } from "../_databases.ts";
import { startProgram } from "./_program.ts";

const [pglite] = testDatabases();
if (pglite === undefined) throw new Error("PGlite is always there");

/** Opens its argument, tells how that went, and stays until it is killed. */
const holder = `
  import { openDatabase } from "@timestep-ai/timestep";
  try {
    const database = await openDatabase({ connectionString: Deno.args[0] });
    console.log("open");
    setInterval(() => database, 1000);
  } catch (error) {
    console.log(error.code, error.message);
  }
`;

Deno.test("openDatabase() rejects at once when another process has the PGlite directory", async () => {
  await using fresh = await pglite.create();
  await using other = await startProgram(holder, [fresh.connectionString]);
  const line = await other.line();
  assert(line?.startsWith("directory_in_use Cannot open PGlite in /"), `${line}`);
  assertEquals((await other.ended()).code, 0);
  assertEquals(await fresh.database.query("select 1 as one"), [{ one: 1 }]);
  await fresh.database.close();
  await using next = await startProgram(holder, [fresh.connectionString]);
  assertEquals(await next.line(), "open");
  const error = await assertRejects(() => openDatabase(fresh), DatabaseError);
  assertEquals(error.code, "directory_in_use");
});

Deno.test("openDatabase() opens a PGlite directory whose process was killed in the middle of writing", async () => {
  await using fresh = await pglite.create();
  await fresh.database.script("create table numbers (i int primary key, filler text not null)");
  await fresh.database.close();
  const writer = `
    import { openDatabase } from "@timestep-ai/timestep";
    const database = await openDatabase({ connectionString: Deno.args[0] });
    const [{ next }] = await database.query("select coalesce(max(i), 0)::int + 1 as next from numbers");
    for (let i = next;; i += 2) {
      await database.transaction(async (transaction) => {
        await transaction.query("insert into numbers values ($1, $2)", [i, "x".repeat(5000)]);
        await transaction.query("insert into numbers values ($1, $2)", [i + 1, "y".repeat(5000)]);
      });
      console.log(i + 1);
    }
  `;
  for (const lines of [1, 40, 150]) {
    await using process = await startProgram(writer, [fresh.connectionString]);
    let reported = 0;
    for (let i = 0; i < lines; i++) reported = Number(await process.line());
    await process.kill();
    const database = await openDatabase(fresh);
    const [row] = await database.query(
      "select count(*)::int as count, max(i)::int as max, count(*) filter (where length(filler) = 5000)::int as whole from numbers",
    );
    await database.close();
    assert(reported > 0 && Number(row?.["max"]) >= reported, `${row?.["max"]} rows of ${reported} reported`);
    assertEquals(row, { count: row?.["max"], max: row?.["max"], whole: row?.["max"] });
    assertEquals(Number(row?.["max"]) % 2, 0);
  }
});

for (const file of ["timestep.creating", "PG_VERSION", "base/5"]) {
  Deno.test(`openDatabase() starts over when creating the PGlite directory was killed at ${file}`, async () => {
    const directory = await Deno.makeTempDir({ prefix: "timestep-pglite-" });
    await Deno.chmod(directory, 0o755);
    await using process = await startProgram(holder, [`pglite:${directory}`]);
    while (!existsSync(`${directory}/${file}`)) await new Promise((resolve) => setTimeout(resolve, 1));
    await process.kill();
    const database = await openDatabase({ connectionString: `pglite:${directory}` });
    assertEquals(((await Deno.stat(directory)).mode ?? 0) & 0o777, 0o700, "nobody else may open it");
    assertEquals(await database.query("select count(*) as n from timestep.runs"), [{ n: 0 }]);
    await database.close();
    await Deno.remove(directory, { recursive: true });
  });
}

Deno.test("openDatabase() rejects and touches nothing when the PGlite directory holds something else", async () => {
  const directory = await Deno.makeTempDir({ prefix: "timestep-pglite-" });
  await Deno.writeTextFile(`${directory}/letter.txt`, "Dear reader");
  const error = await assertRejects(
    () => openDatabase({ connectionString: `pglite:${directory}` }),
    DatabaseError,
  );
  assertEquals(error.code, "directory_unusable");
  assert(error.message.includes("letter.txt"), error.message);
  assertEquals(await Deno.readTextFile(`${directory}/letter.txt`), "Dear reader");
  const inFile = { connectionString: `pglite:${directory}/letter.txt` };
  assertEquals((await assertRejects(() => openDatabase(inFile), DatabaseError)).code, "directory_unusable");
  await Deno.remove(directory, { recursive: true });
});

Deno.test("openDatabase() rejects with directory_unusable when the engine does not start with what is there", async () => {
  const directory = await Deno.makeTempDir({ prefix: "timestep-pglite-" });
  await Deno.writeTextFile(`${directory}/PG_VERSION`, "9\n");
  const open = () => openDatabase({ connectionString: `pglite:${directory}` });
  // Twice: the directory is let go of.
  for (const _time of ["first", "second"]) {
    const error = await assertRejects(open, DatabaseError, directory);
    assertEquals(error.code, "directory_unusable");
  }
  await Deno.remove(directory, { recursive: true });
});
