import { assertEquals } from "@std/assert";
import { testDatabases } from "../_databases.ts";
import { startProgram } from "./_program.ts";

for (const target of testDatabases()) {
  Deno.test(`a program that never calls close() ends by itself [${target.engine}]`, async () => {
    await using fresh = await target.create();
    await fresh.database.close();
    const code = `
      import { openDatabase } from "@timestep-ai/timestep";
      const database = await openDatabase({ connectionString: Deno.args[0] });
      await database.transaction((transaction) =>
        transaction.query("insert into timestep.sessions (session_id) values ($1)", [Deno.args[1]])
      );
      const rows = await database.query("select session_id from timestep.sessions order by 1");
      console.log(rows.map((row) => row.session_id).join());
    `;
    // The second finds what the first left behind, and recovers it.
    for (const [name, seen] of [["a", "a"], ["b", "a,b"]] as const) {
      await using program = await startProgram(code, [fresh.connectionString, name]);
      assertEquals(await program.line(), seen);
      assertEquals(await program.ended(), { code: 0, errors: "" });
    }
  });

  Deno.test(`a program with a statement under way does not end before it [${target.engine}]`, async () => {
    await using fresh = await target.create();
    await fresh.database.close();
    await using program = await startProgram(
      `
      import { openDatabase } from "@timestep-ai/timestep";
      const database = await openDatabase({ connectionString: Deno.args[0] });
      const sleep = database.query("select 1 as one, pg_sleep(1)");
      sleep.then(([row]) => console.log(row.one));
      `,
      [fresh.connectionString],
    );
    assertEquals(await program.line(), "1");
    assertEquals(await program.ended(), { code: 0, errors: "" });
  });
}
