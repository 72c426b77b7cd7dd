import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import postgres from "postgres";
import { openDatabase } from "../../mod.ts";
import { migrations } from "../../src/database/_migrations.ts";
import { testDatabases, testServerUri } from "../_databases.ts";
import { supabaseCli } from "./_cli.ts";
import { deployCommands } from "./_deploy_chapter.ts";

const hasPostgres = testDatabases().some(({ engine }) => engine === "postgres");
const cli = hasPostgres ? await supabaseCli() : undefined;
const versions = migrations.map(({ version }) => version);

Deno.test({
  name: "supabase db push applies the migrations, and a second time changes nothing",
  ignore: cli === undefined,
  async fn() {
    await using project = await makeProject();
    const first = await push(project);
    assertEquals(first.code, 0, first.text);
    for (const version of versions) assertStringIncludes(first.text, `Applying migration ${version}`);
    const before = await describe(project.uri);
    assert(before.length > 100, `${before.length} objects`);

    const second = await push(project);
    assertEquals(second.code, 0, second.text);
    assertStringIncludes(second.text, "up to date");
    assertEquals(await describe(project.uri), before);

    // The module finds everything done.
    const database = await openDatabase({ connectionString: project.uri });
    const applied = await database.query("select version from timestep.migrations order by version");
    await database.close();
    assertEquals(applied.map(({ version }) => version), versions);
    assertEquals(await describe(project.uri), before);
  },
});

Deno.test({
  name: "supabase db push changes nothing in a database that the module has migrated",
  ignore: cli === undefined,
  async fn() {
    await using project = await makeProject();
    const database = await openDatabase({ connectionString: project.uri });
    await database.close();
    const before = await describe(project.uri);
    const pushed = await push(project);
    assertEquals(pushed.code, 0, pushed.text);
    assertEquals(await describe(project.uri), before);
  },
});

Deno.test({
  name: "supabase has the commands that README uses",
  ignore: cli === undefined,
  async fn() {
    const commands = await deployCommands();
    assert(commands.length >= 5, `${commands.length} commands`);
    for (const words of commands) {
      const command = words.slice(0, words[1] && /^(push|set|deploy)$/.test(words[1]) ? 2 : 1);
      const { code, text } = await runCli(".", [...command, "--help"]);
      assertEquals(code, 0, text);
      assertStringIncludes(text, `supabase ${command.join(" ")}`);
      for (const flag of words.filter((word) => word.startsWith("--"))) assertStringIncludes(text, flag);
    }
  },
});

interface Project extends AsyncDisposable {
  /** The folder with a copy of `supabase/`: the CLI leaves files in it. */
  folder: string;
  /** A database of its own, for a role that is no superuser, as on Supabase. */
  uri: string;
}

async function push({ folder, uri }: Project) {
  return await runCli(folder, ["db", "push", `--remote=${uri}`]);
}

async function runCli(folder: string, args: readonly string[]) {
  if (!cli) throw new Error("The CLI is not there.");
  return await cli(folder, args);
}

async function makeProject(): Promise<Project> {
  const folder = await Deno.makeTempDir({ prefix: "timestep-supabase-project-" });
  const source = new URL("../../supabase/", import.meta.url);
  await Deno.mkdir(`${folder}/supabase/migrations`, { recursive: true });
  await Deno.copyFile(new URL("config.toml", source), `${folder}/supabase/config.toml`);
  for await (const { name } of Deno.readDir(new URL("migrations/", source))) {
    await Deno.copyFile(new URL(`migrations/${name}`, source), `${folder}/supabase/migrations/${name}`);
  }
  const uri = new URL(await testServerUri());
  const name = `timestep_push_${crypto.randomUUID().slice(0, 8)}`;
  const administer = async (statements: readonly string[]) => {
    const sql = postgres(uri.href, { max: 1, fetch_types: false, onnotice: () => {} });
    for (const statement of statements) await sql.unsafe(statement);
    await sql.end();
  };
  await administer([
    // The roles that are there on Supabase. Roles are the whole server's: another test may have made them.
    ...["anon nologin", "authenticated nologin", "service_role nologin bypassrls"].map((role) =>
      `do $$ begin create role ${role}; exception when duplicate_object or unique_violation then null; end $$`
    ),
    `create role ${name} login createrole bypassrls password '${name}'`,
    `create database ${name} owner ${name}`,
  ]);
  const own = new URL(`/${name}`, uri);
  own.username = own.password = name;
  return {
    folder,
    uri: own.href,
    async [Symbol.asyncDispose]() {
      await administer([`drop database ${name} with (force)`, `drop role ${name}`]);
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Everything that there is in the schema, with its definition and who may use it. */
async function describe(uri: string): Promise<string[]> {
  const sql = postgres(uri, { max: 1, fetch_types: false });
  const rows = await sql.unsafe(`
    with ours as (select oid from pg_namespace where nspname = 'timestep')
    select format('relation %s %s %s %s', c.relname, c.relkind, c.relacl, c.relrowsecurity) as line
    from pg_class c where c.relnamespace in (select oid from ours)
    union all
    select format('column %s.%s %s %s %s', table_name, column_name, data_type, is_nullable, column_default)
    from information_schema.columns where table_schema = 'timestep'
    union all
    select format('constraint %s.%s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
    from pg_constraint where connamespace in (select oid from ours)
    union all
    select indexdef from pg_indexes where schemaname = 'timestep'
    union all
    select format('view %s %s', viewname, definition) from pg_views where schemaname = 'timestep'
    union all
    select format('function %s %s', p.proacl, pg_get_functiondef(p.oid))
    from pg_proc p where p.pronamespace in (select oid from ours)
    union all
    select format('policy %s', p) from pg_policies p where schemaname = 'timestep'
    union all
    select pg_get_triggerdef(t.oid) from pg_trigger t join pg_class c on c.oid = t.tgrelid
    where c.relnamespace in (select oid from ours) and not t.tgisinternal
    union all
    select format('migrations %s', array_agg(version order by version)) from timestep.migrations
    order by line`);
  await sql.end();
  return rows.map((row) => String(row["line"]));
}
