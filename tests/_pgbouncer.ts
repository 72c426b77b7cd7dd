import { existsSync } from "node:fs";
import { openDatabase } from "../mod.ts";
import { type FreshDatabase, type TestDatabase, testDatabases, testServerUri } from "./_databases.ts";
import { asServerUser, freePort, stopWithThisProcess } from "./_postgres.ts";

/**
 * Databases behind a pooler in transaction mode, two server connections for each; undefined when pgbouncer or
 * Postgres is not installed.
 */
export function pgbouncer(): TestDatabase | undefined {
  const program = (Deno.env.get("PATH") ?? "").split(":").concat("/usr/sbin")
    .map((folder) => `${folder}/pgbouncer`).find((path) => existsSync(path));
  const target = testDatabases().find(({ engine }) => engine === "postgres");
  return program !== undefined && target !== undefined ? throughPgbouncer(target, program) : undefined;
}

/** The same databases, by way of a pooler that lends a server connection for one transaction at a time. */
function throughPgbouncer(postgres: TestDatabase, pgbouncer: string): TestDatabase {
  let port: Promise<number> | undefined;
  return {
    engine: "postgres",
    async create(): Promise<FreshDatabase> {
      port ??= startPgbouncer(pgbouncer, new URL(await testServerUri()));
      const direct = await postgres.create();
      await direct.database.close();
      const uri = new URL(direct.connectionString);
      uri.host = `127.0.0.1:${await port}`;
      const database = await openDatabase({ connectionString: uri.href });
      return {
        database,
        connectionString: uri.href,
        async [Symbol.asyncDispose]() {
          await database.close();
          await direct[Symbol.asyncDispose]();
        },
      };
    },
  };
}

/** Starts a pooler with two server connections for each database. */
async function startPgbouncer(pgbouncer: string, server: URL): Promise<number> {
  const home = await Deno.makeTempDir({ prefix: "timestep-pgbouncer-" });
  const port = await freePort();
  const settings = [
    "[databases]",
    `* = host=${server.hostname} port=${server.port || 5432}`,
    "[pgbouncer]",
    "listen_addr = 127.0.0.1",
    `listen_port = ${port}`,
    "unix_socket_dir =",
    "pool_mode = transaction",
    "default_pool_size = 2",
    "auth_type = scram-sha-256",
    `auth_file = ${home}/users`,
    `pidfile = ${home}/pid`,
    `logfile = ${home}/log`,
  ];
  await Deno.writeTextFile(`${home}/settings`, settings.join("\n"));
  await Deno.writeTextFile(
    `${home}/users`,
    `"${server.username}" "${decodeURIComponent(server.password)}"\n`,
  );
  await Deno.chmod(home, 0o777);
  await asServerUser([pgbouncer, "-q", "-d", `${home}/settings`]);
  await stopWithThisProcess(["sh", "-c", `kill "$(cat '${home}/pid')"`], home);
  return port;
}
