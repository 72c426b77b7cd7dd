import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DatabaseError, openDatabase, type OpenDatabaseOptions } from "@timestep-ai/timestep";
import { locate } from "../../src/database/_location.ts";
import { startProgram } from "./_program.ts";

function environment(variables: Record<string, string>): (name: string) => string | undefined {
  return (name) => variables[name];
}

Deno.test("locate() takes the first that is given", () => {
  const all = {
    PG_CONNECTION_URI: "postgres://one/a",
    SUPABASE_DB_URL: "postgresql://two/b",
    TIMESTEP_PGLITE_PATH: "/tmp/three",
    XDG_DATA_HOME: "/tmp/four",
    LOCALAPPDATA: "/tmp/four",
  };
  const { PG_CONNECTION_URI, ...withoutUri } = all;
  const { SUPABASE_DB_URL, ...withoutUrl } = withoutUri;
  assertEquals(locate("pglite:memory", environment(all)), { engine: "pglite", directory: null });
  assertEquals(locate("pglite:/tmp/five", environment(all)), { engine: "pglite", directory: "/tmp/five" });
  assertEquals(locate("postgres://six/c", environment(all)), { engine: "postgres", uri: "postgres://six/c" });
  assertEquals(locate(undefined, environment(all)), { engine: "postgres", uri: PG_CONNECTION_URI });
  assertEquals(locate(undefined, environment({ ...all, PG_CONNECTION_URI: "" })), {
    engine: "postgres",
    uri: SUPABASE_DB_URL,
  });
  assertEquals(locate(undefined, environment(withoutUri)), { engine: "postgres", uri: SUPABASE_DB_URL });
  assertEquals(locate(undefined, environment(withoutUrl)), { engine: "pglite", directory: "/tmp/three" });
});

Deno.test("locate() takes a relative directory from where the program was started", () => {
  assertEquals(locate("pglite:data", environment({})), { engine: "pglite", directory: `${Deno.cwd()}/data` });
});

Deno.test({
  name: "locate() falls back to the user's application directory",
  ignore: Deno.build.os !== "linux",
  fn() {
    const set = environment({ XDG_DATA_HOME: "/tmp/data" });
    assertEquals(locate(undefined, set), { engine: "pglite", directory: "/tmp/data/timestep" });
    const { engine, ...rest } = locate(undefined, environment({}));
    assertEquals(engine, "pglite");
    assert(JSON.stringify(rest).includes("/.local/share/timestep"));
  },
});

Deno.test("locate() throws and names the variable when it holds no connection string", () => {
  const wrong = environment({ PG_CONNECTION_URI: "mysql://me:s3cret@host/db" });
  const error = assertThrows(() => locate(undefined, wrong), DatabaseError, "PG_CONNECTION_URI");
  assertEquals(error.code, "connection_string_invalid");
  assert(!error.message.includes("s3cret"));
});

Deno.test("openDatabase() refuses what is no place, instead of opening the environment's database", async () => {
  for (const options of ["postgres://me@127.0.0.1/db", null]) {
    const wrong = options as unknown as OpenDatabaseOptions;
    await assertRejects(() => openDatabase(wrong), TypeError, "{ connectionString }");
  }
  for (const connectionString of [null, 5432, ""]) {
    const wrong = { connectionString } as unknown as OpenDatabaseOptions;
    const error = await assertRejects(() => openDatabase(wrong), DatabaseError);
    assertEquals(error.code, "connection_string_invalid");
  }
});

Deno.test("openDatabase() gives every caller of pglite:memory a database of its own", async () => {
  const connectionString = "pglite:memory";
  const [one, two] = await Promise.all([
    openDatabase({ connectionString }),
    openDatabase({ connectionString }),
  ]);
  await one.query("insert into timestep.sessions (session_id) values ('a')");
  assertEquals(await one.query("select count(*) as n from timestep.sessions"), [{ n: 1 }]);
  assertEquals(await two.query("select count(*) as n from timestep.sessions"), [{ n: 0 }]);
  await Promise.all([one.close(), two.close()]);
});

Deno.test("openDatabase() rejects when the environment may not be read", async () => {
  const program = `
    import { openDatabase } from ${
    JSON.stringify(new URL("../../src/database/open_database.ts", import.meta.url).href)
  };
    console.log(await openDatabase().catch((error) => error.code + " " + error.message));
  `;
  await using process = await startProgram(program, [], ["--allow-read", "--allow-write"]);
  const line = await process.line();
  assert(line?.startsWith("environment_not_readable ") && line.includes("PG_CONNECTION_URI"), `${line}`);
});
