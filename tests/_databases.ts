import { cpSync, existsSync, readdirSync, readFileSync, renameSync } from "node:fs";
import postgres from "postgres";
import { migrations } from "../src/database/_migrations.ts";
import { type Database, openDatabase } from "../mod.ts";
import { keptDirectory } from "./_in_memory.ts";
import { findPostgresPrograms, startPostgres } from "./_postgres.ts";

/** An engine to run a test on. */
export interface TestDatabase {
  readonly engine: "pglite" | "postgres";
  /** Makes a database for one test. */
  create(options?: FreshDatabaseOptions): Promise<FreshDatabase>;
}

/** How to make a database. */
export interface FreshDatabaseOptions {
  /** Whether DBOS's tables are there, too, as after a first launch, of which they would be the longest part. */
  withDBOS?: boolean;
}

/** A fresh, migrated, isolated database; disposal closes and drops it. */
export interface FreshDatabase extends AsyncDisposable {
  readonly database: Database;
  /** For another opening, in this process or (PGlite: after closing `database`) in another. */
  readonly connectionString: string;
}

/** PGlite always; Postgres when `TIMESTEP_TEST_PG_URI` is set or the server's programs are on this machine. */
export function testDatabases(): TestDatabase[] {
  const pglite: TestDatabase = { engine: "pglite", create: createPGlite };
  if (!Deno.env.get("TIMESTEP_TEST_PG_URI") && findPostgresPrograms() === null) return [pglite];
  return [pglite, { engine: "postgres", create: createPostgres }];
}

/** The server that tests share: the one in `TIMESTEP_TEST_PG_URI`, else one of this process's own. */
export function testServerUri(): Promise<string> {
  return serverUri ??= (async () => {
    return Deno.env.get("TIMESTEP_TEST_PG_URI") || (await startPostgres()).uri;
  })();
}

let serverUri: Promise<string> | undefined;
const templates: Promise<string>[] = [];
let created = 0;

async function createPostgres({ withDBOS = false }: FreshDatabaseOptions = {}): Promise<FreshDatabase> {
  const server = await testServerUri();
  const source = await (templates[withDBOS ? 1 : 0] ??= createTemplate(server, withDBOS));
  const name = `timestep_test_${Deno.pid}_${created++}_${crypto.randomUUID().slice(0, 8)}`;
  await administer(server, (sql) => sql.unsafe(`create database "${name}" template "${source}"`));
  const connectionString = withDatabase(server, name);
  const database = await openDatabase({ connectionString });
  return {
    database,
    connectionString,
    async [Symbol.asyncDispose]() {
      await database.close();
      await administer(server, (sql) => sql.unsafe(`drop database "${name}" with (force)`));
    },
  };
}

/** A migrated database to copy, one for each state of the migrations, shared by all processes on the server. */
async function createTemplate(server: string, withDBOS: boolean): Promise<string> {
  const name = `timestep_template_${await schemaHash(withDBOS)}`;
  await administer(server, async (sql) => {
    // A lock of the session: `create database` can't be in a transaction.
    await sql`select pg_advisory_lock(7446923002)`;
    const [found] = await sql`select 1 from pg_database where datname = ${name}`;
    if (found !== undefined) return;
    const unfinished = `${name}_unfinished`;
    await sql.unsafe(`drop database if exists "${unfinished}" with (force)`);
    await sql.unsafe(`create database "${unfinished}"`);
    await migrate(withDatabase(server, unfinished), withDBOS);
    await sql.unsafe(`alter database "${unfinished}" rename to "${name}"`);
  });
  return name;
}

/** Runs `body` on the server's own database, without migrating that. */
async function administer(server: string, body: (sql: postgres.Sql) => PromiseLike<unknown>): Promise<void> {
  const sql = postgres(server, { max: 1, fetch_types: false, max_lifetime: null, onnotice: () => {} });
  try {
    await body(sql);
  } finally {
    await sql.end();
  }
}

function withDatabase(server: string, name: string): string {
  const uri = new URL(server);
  uri.pathname = `/${name}`;
  return uri.href;
}

async function createPGlite({ withDBOS = false }: FreshDatabaseOptions = {}): Promise<FreshDatabase> {
  const source = await pgliteTemplate(withDBOS);
  const directory = await Deno.makeTempDir({ prefix: "timestep-pglite-" });
  // One by one: Deno 2.1 would copy the folder into the folder.
  for (const name of readdirSync(source)) {
    cpSync(`${source}/${name}`, `${directory}/${name}`, { recursive: true });
  }
  const connectionString = `pglite:${directory}`;
  const database = await openDatabase({ connectionString });
  return {
    database,
    connectionString,
    async [Symbol.asyncDispose]() {
      await database.close();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

/** A migrated directory to copy: creating one takes seconds. Kept between runs. */
async function pgliteTemplate(withDBOS: boolean): Promise<string> {
  const directory = `${keptDirectory()}/timestep-pglite-template-${await schemaHash(withDBOS)}`;
  if (existsSync(directory)) return directory;
  const unfinished = await Deno.makeTempDir({ dir: keptDirectory(), prefix: "timestep-pglite-template-" });
  await migrate(`pglite:${unfinished}`, withDBOS);
  try {
    renameSync(unfinished, directory);
  } catch {
    // Another process was faster.
    await Deno.remove(unfinished, { recursive: true });
  }
  return directory;
}

/** Makes all tables. */
async function migrate(connectionString: string, withDBOS: boolean): Promise<void> {
  const database = await openDatabase({ connectionString });
  try {
    if (!withDBOS) return;
    // Imported here: few tests need it.
    const { migrateDBOS } = await import("../src/workflows/_system_database.ts");
    await migrateDBOS(database, connectionString);
  } finally {
    await database.close();
  }
}

async function schemaHash(withDBOS: boolean): Promise<string> {
  const { imports } = JSON.parse(readFileSync(new URL("../deno.json", import.meta.url), "utf8"));
  const schema = withDBOS ? [migrations, imports["@dbos-inc/dbos-sdk"]] : migrations;
  const text = new TextEncoder().encode(JSON.stringify(schema));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", text));
  return Array.from(digest.subarray(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
