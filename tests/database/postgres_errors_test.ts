import { assert, assertEquals, assertRejects } from "@std/assert";
import { DatabaseError, type DatabaseErrorCode, openDatabase, StatementError } from "@timestep-ai/timestep";
import { createServer, type Server, type Socket } from "node:net";
import postgres from "postgres";
import { testDatabases, testServerUri } from "../_databases.ts";
import { freePort } from "../_postgres.ts";

const target = testDatabases().find(({ engine }) => engine === "postgres");
const ignore = target === undefined;

/** Needs percent-encoding; none of its spellings may show. */
const password = "s3cret/p@ss w%rd";
const encoded = encodeURIComponent(password);

async function failsToOpen(connectionString: string, code: DatabaseErrorCode, says: string): Promise<void> {
  const error = await assertRejects(() => openDatabase({ connectionString }), DatabaseError);
  assertEquals(error.code, code, error.message);
  assert(error.message.includes(says), error.message);
  assertNoPassword(error);
}

function assertNoPassword(error: unknown): void {
  const shown = Deno.inspect(error, { depth: 20, showHidden: true }) +
    (error instanceof Error ? error.stack : "");
  for (const secret of [password, encoded, "s3cret"]) assert(!shown.includes(secret), shown);
}

Deno.test("openDatabase() rejects with what is wrong when the connection string can't be used", async () => {
  const invalid = "connection_string_invalid";
  await failsToOpen(`mysql://me:${encoded}@127.0.0.1/db`, invalid, "postgres://");
  await failsToOpen(`me:${encoded}@127.0.0.1/db`, invalid, "postgres://");
  await failsToOpen("", invalid, "postgres://");
  await failsToOpen("pglite:", invalid, "pglite:<directory>");
  await failsToOpen("postgres://me:s3cret#x@127.0.0.1/db", invalid, "percent-encoded");
  await failsToOpen("postgres://me:s3cret%@127.0.0.1/db", invalid, "%25");
  await failsToOpen("postgres://me:s3cret/x@127.0.0.1/db", invalid, "percent-encoded");
  await failsToOpen("postgres://me:pw@s3cret/x@127.0.0.1/db", invalid, "percent-encoded");
  await failsToOpen("postgres://s3cret:5432?x@127.0.0.1/db", invalid, "percent-encoded");
  await failsToOpen(`postgres://me:${encoded}@127.0.0.1,127.0.0.2/db`, invalid, "several hosts");
  await failsToOpen(`postgres://me:${encoded}@/db?host=127.0.0.1,127.0.0.2`, invalid, "several hosts");
  await failsToOpen(`postgres://me:${encoded}@127.0.0.1:x/db`, invalid, "percent-encoded");
  await failsToOpen(`postgres://me:${encoded}@127.0.0.1/db?sslmode=maybe`, invalid, '"maybe"');
  await failsToOpen(`postgres://me:${encoded}@127.0.0.1/db?sslmod=require`, invalid, "sslmod");
  await failsToOpen(
    `postgres://me:${encoded}@127.0.0.1/db?sslmode=verify-full&sslrootcert=/no/file`,
    invalid,
    "/no/file",
  );
});

Deno.test("openDatabase() rejects with host_not_found when the host has no address", async () => {
  await failsToOpen(`postgres://me:${encoded}@nowhere.invalid/db`, "host_not_found", "nowhere.invalid:5432");
});

Deno.test("openDatabase() rejects with server_unreachable when the server is down", async () => {
  const port = await freePort();
  await failsToOpen(
    `postgres://me:${encoded}@127.0.0.1:${port}/db`,
    "server_unreachable",
    `127.0.0.1:${port}`,
  );
  await failsToOpen(`postgres://me:${encoded}@/db?host=/no/folder`, "server_unreachable", "/no/folder");
});

for (const sslmode of ["prefer", "disable"]) {
  Deno.test(`openDatabase() rejects with server_unreachable when what listens hangs up [${sslmode}]`, async () => {
    await using listener = await listen((socket) => socket.destroy());
    const uri = `postgres://me:${encoded}@127.0.0.1:${listener.port}/db?sslmode=${sslmode}`;
    await failsToOpen(uri, "server_unreachable", "hangs up");
  });
}

/** A server's words to a client that it lets in, and asks for a statement; a pooler says them without its server. */
const welcome = new Uint8Array([...[0x52, 0, 0, 0, 8, 0, 0, 0, 0], ...[0x5a, 0, 0, 0, 5, 0x49]]);

Deno.test("openDatabase() rejects with server_unreachable when what listens stays silent", async () => {
  await using mute = await listen(() => {});
  await using pooler = await listen((socket) => socket.once("data", () => socket.write(welcome)));
  const silent = [[mute, "prefer"], [mute, "disable"], [pooler, "disable"]] as const;
  await Promise.all(silent.map(async ([{ port }, sslmode]) => {
    const uri = `postgres://me:${encoded}@127.0.0.1:${port}/db?sslmode=${sslmode}`;
    await failsToOpen(uri, "server_unreachable", "does not answer");
  }));
});

Deno.test(
  { name: "openDatabase() rejects with authentication_failed when the password is wrong", ignore },
  async () => {
    await failsToOpen(
      await serverUri({ password: encoded }),
      "authentication_failed",
      "Check user and password",
    );
    await failsToOpen(
      await serverUri({ username: "nobody", password: encoded }),
      "authentication_failed",
      "nobody",
    );
  },
);

Deno.test({ name: "openDatabase() rejects with database_not_found when there is none", ignore }, async () => {
  await failsToOpen(await serverUri({ pathname: "/absent" }), "database_not_found", '"absent"');
});

Deno.test(
  { name: "openDatabase() rejects with permission_missing when the role may not", ignore },
  async () => {
    const name = `role_${crypto.randomUUID().slice(0, 8)}`;
    const sql = postgres(await testServerUri(), { max: 1, fetch_types: false, max_lifetime: null });
    const uri = await serverUri({ username: name, password: encoded, pathname: `/${name}` });
    try {
      await sql.unsafe(`create role ${name} login password '${password}'`);
      await sql.unsafe(`create database ${name}`);
      await failsToOpen(uri, "permission_missing", `grant create on database`);
      await sql.unsafe(`revoke connect on database ${name} from public`);
      await failsToOpen(uri, "permission_missing", `permission denied for database "${name}"`);
      await sql.unsafe(`grant create, connect on database ${name} to ${name}`);
      await (await openDatabase({ connectionString: uri })).close();
      const other = postgres(await serverUri({ pathname: `/${name}` }), {
        max: 1,
        fetch_types: false,
        max_lifetime: null,
      });
      await other.unsafe(
        "alter schema timestep owner to current_user; revoke all on schema timestep from public",
      );
      await other.end();
      await failsToOpen(uri, "permission_missing", "schema timestep");
    } finally {
      await sql.unsafe(`drop database if exists ${name} with (force)`);
      await sql.unsafe(`drop role if exists ${name}`);
      await sql.end();
    }
  },
);

Deno.test(
  { name: "openDatabase() rejects with too_many_connections when the role has no more", ignore },
  async () => {
    const name = `role_${crypto.randomUUID().slice(0, 8)}`;
    const sql = postgres(await testServerUri(), { max: 1, fetch_types: false, max_lifetime: null });
    try {
      await sql.unsafe(`create role ${name} login password '${password}' connection limit 0`);
      await failsToOpen(
        await serverUri({ username: name, password: encoded }),
        "too_many_connections",
        "pooler",
      );
    } finally {
      await sql.unsafe(`drop role if exists ${name}`);
      await sql.end();
    }
  },
);

Deno.test({ name: "query() rejects without the password when a statement fails", ignore }, async () => {
  if (target === undefined) return;
  await using fresh = await target.create();
  const error = await assertRejects(() => fresh.database.query("select nonsense"), StatementError);
  const secret = new URL(fresh.connectionString).password;
  assert(secret !== "" && !Deno.inspect(error, { depth: 20, showHidden: true }).includes(secret));
});

async function serverUri(parts: Partial<Pick<URL, "username" | "password" | "pathname">>): Promise<string> {
  const uri = new URL(await testServerUri());
  return Object.assign(uri, parts).href;
}

async function listen(onConnection: (socket: Socket) => void): Promise<AsyncDisposable & { port: number }> {
  const port = await freePort();
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => {
    sockets.push(socket.on("error", () => {}));
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
