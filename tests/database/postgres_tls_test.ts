import { assertEquals, assertRejects } from "@std/assert";
import { DatabaseError, openDatabase } from "@timestep-ai/timestep";
import { findPostgresPrograms, type PostgresServer, startPostgres } from "../_postgres.ts";

const ignore = findPostgresPrograms() === null || !hasOpenssl();

function hasOpenssl(): boolean {
  try {
    return new Deno.Command("openssl", { args: ["version"], stdout: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

/** A self-signed certificate for localhost, not for 127.0.0.1. */
async function certificate(folder: string): Promise<void> {
  const { success } = await new Deno.Command("openssl", {
    args: [
      ...["req", "-new", "-x509", "-days", "2", "-nodes", "-subj", "/CN=localhost"],
      ...["-addext", "subjectAltName=DNS:localhost"],
      ...["-out", `${folder}/server.crt`, "-keyout", `${folder}/server.key`],
    ],
    stdout: "null",
    stderr: "null",
  }).output();
  if (!success) throw new Error("Cannot make a certificate: openssl failed");
}

async function isEncrypted(connectionString: string): Promise<unknown> {
  const database = await openDatabase({ connectionString });
  const [row] = await database.query("select ssl from pg_stat_ssl where pid = pg_backend_pid()");
  await database.close();
  return row?.["ssl"];
}

async function failure(connectionString: string): Promise<string> {
  return (await assertRejects(() => openDatabase({ connectionString }), DatabaseError)).code;
}

Deno.test({ name: "openDatabase() encrypts and verifies as sslmode says", ignore }, async (test) => {
  const folder = await Deno.makeTempDir({ prefix: "timestep-tls-" });
  let server: PostgresServer | undefined;
  try {
    await certificate(folder);
    const read = (name: string) => Deno.readTextFileSync(`${folder}/${name}`);
    server = await startPostgres({
      settings: ["ssl = on"],
      files: { "server.crt": read("server.crt"), "server.key": read("server.key") },
    });
    const { uri } = server;
    const named = uri.replace("127.0.0.1", "localhost");
    const root = `sslrootcert=${folder}/server.crt`;
    await test.step("disable", async () => assertEquals(await isEncrypted(`${uri}?sslmode=disable`), false));
    await test.step("nothing said", async () => assertEquals(await isEncrypted(uri), true));
    await test.step("require", async () => assertEquals(await isEncrypted(`${uri}?sslmode=require`), true));
    await test.step("verify-ca", async () => {
      assertEquals(await isEncrypted(`${uri}?sslmode=verify-ca&${root}`), true);
      assertEquals(await failure(`${uri}?sslmode=verify-ca`), "tls_failed");
    });
    await test.step("verify-full", async () => {
      assertEquals(await isEncrypted(`${named}?sslmode=verify-full&${root}`), true);
      assertEquals(await failure(`${named}?sslmode=verify-full`), "tls_failed");
      assertEquals(await failure(`${uri}?sslmode=verify-full&${root}`), "tls_failed", "another name");
    });
  } finally {
    await server?.stop();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test(
  { name: "openDatabase() rejects when TLS is required and the server has none", ignore },
  async () => {
    const server = await startPostgres();
    try {
      assertEquals(await isEncrypted(server.uri), false);
      assertEquals(await failure(`${server.uri}?sslmode=require`), "tls_failed");
      assertEquals(await failure(`${server.uri}?sslmode=verify-full`), "tls_failed");
    } finally {
      await server.stop();
    }
  },
);
