import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Database, DatabaseError, DatabaseSession, migrate, openDatabase } from "@timestep-ai/timestep";
import postgres from "postgres";
import { migrations } from "../../src/database/_migrations.ts";
import { applyMigrations } from "../../src/database/migrate.ts";
import { testDatabases, testServerUri } from "../_databases.ts";
import { generatedFile, generateMigrations } from "../migrations_task.ts";
import { startProgram } from "./_program.ts";

const ignore = !testDatabases().some(({ engine }) => engine === "postgres");

Deno.test("_migrations.ts says what supabase/migrations says", async () => {
  const written = await Deno.readTextFile(generatedFile);
  assert(written === await generateMigrations(), 'Run "deno task migrations"');
  for (const { version, sql } of migrations) {
    assert(sql.includes(`values ('${version}')`), `${version} records itself`);
  }
});

for (const target of testDatabases()) {
  Deno.test(`migrate() runs one SELECT when the schema is up to date [${target.engine}]`, async () => {
    await using fresh = await target.create();
    const statements: string[] = [];
    const refuse = () => Promise.reject(new Error("Nothing else is to be run"));
    const watched: Database = {
      engine: target.engine,
      query: (text, parameters) => {
        statements.push(text);
        return fresh.database.query(text, parameters);
      },
      script: refuse,
      transaction: refuse,
      close: refuse,
    };
    await migrate(watched);
    assertEquals(statements, ["select version from timestep.migrations"]);
  });

  Deno.test(`migrate() makes the schema in a database of one's own [${target.engine}]`, async () => {
    await using fresh = await target.create();
    await fresh.database.script("drop schema timestep cascade");
    const own: Database = {
      engine: target.engine,
      query: (text, parameters) => fresh.database.query(text, parameters),
      script: (sql) => fresh.database.script(sql),
      transaction: (body) => fresh.database.transaction(body),
      close: () => Promise.reject(new Error("It stays open")),
    };
    await migrate(own);
    const session = new DatabaseSession({ sessionId: "s", database: own });
    await session.addItems([{ role: "user", content: "Hello" }]);
    assertEquals(await session.getItems(), [{ role: "user", content: "Hello" }]);
  });

  Deno.test(`migrate() can run every file again [${target.engine}]`, async () => {
    await using fresh = await target.create();
    await fresh.database.script(migrations.map(({ sql }) => sql).join("\n"));
    await fresh.database.query("delete from timestep.migrations");
    await migrate(fresh.database);
    const rows = await fresh.database.query("select version from timestep.migrations order by version");
    assertEquals(rows.map((row) => row["version"]), migrations.map(({ version }) => version));
  });

  Deno.test(`migrate() adds what is missing, all of it or none [${target.engine}]`, async () => {
    await using fresh = await target.create();
    const next = {
      version: "29990101000000",
      sql:
        "create table timestep.later (x int); insert into timestep.migrations (version) values ('29990101000000');",
    };
    const broken = {
      version: "29990102000000",
      sql: "create table timestep.never (x int); select nonsense;",
    };
    await assertRejects(() => applyMigrations(fresh.database, [...migrations, next, broken]));
    const tables =
      "select to_regclass('timestep.later') is null as later, to_regclass('timestep.never') is null as never";
    assertEquals(await fresh.database.query(tables), [{ later: true, never: true }]);
    await applyMigrations(fresh.database, [...migrations, next]);
    assertEquals(await fresh.database.query(tables), [{ later: false, never: true }]);
  });

  Deno.test(`openDatabase() rejects when the schema is newer than the code [${target.engine}]`, async () => {
    await using fresh = await target.create();
    await fresh.database.query("insert into timestep.migrations (version) values ('29990101000000')");
    await fresh.database.close();
    const error = await assertRejects(() => openDatabase(fresh), DatabaseError);
    assertEquals(error.code, "schema_too_new");
    assert(error.message.includes("29990101000000"), error.message);
  });
}

Deno.test({ name: "openDatabase() migrates once when processes start at once", ignore }, async () => {
  const server = await testServerUri();
  const name = `timestep_race_${crypto.randomUUID().slice(0, 8)}`;
  const sql = postgres(server, { max: 1, fetch_types: false, max_lifetime: null });
  await sql.unsafe(`create database ${name}`);
  const uri = new URL(server);
  uri.pathname = `/${name}`;
  const program = `
    import { openDatabase } from "@timestep-ai/timestep";
    const database = await openDatabase({ connectionString: Deno.args[0] });
    await database.query("insert into timestep.sessions (session_id) values ($1)", [Deno.args[1]]);
    await database.close();
  `;
  const programs = await Promise.all(
    Array.from({ length: 5 }, (_, i) => startProgram(program, [uri.href, `process ${i}`])),
  );
  try {
    // This process takes part five times, each with a connection pool of its own.
    const here = Array.from(
      { length: 5 },
      (_, i) => openDatabase({ connectionString: `${uri.href}?n=${i}` }),
    );
    for (const database of await Promise.all(here)) await database.close();
    for (const { ended } of programs) assertEquals(await ended(), { code: 0, errors: "" });
    const database = await openDatabase({ connectionString: uri.href });
    assertEquals(await database.query("select count(*) as n from timestep.sessions"), [{ n: 5 }]);
    await database.close();
  } finally {
    for (const program of programs) await program[Symbol.asyncDispose]();
    await sql.unsafe(`drop database ${name} with (force)`);
    await sql.end();
  }
});
