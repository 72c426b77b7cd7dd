import { assertEquals } from "@std/assert";
import { needsVerifiedTls } from "../../src/database/_verified_tls.ts";
import { deno21, type DenoProgram, thisDeno } from "../_deno_2_1.ts";
import { findPostgresPrograms, startPostgres } from "../_postgres.ts";
import { hasOpenssl, makeCertificates } from "./_certificates.ts";

const ignore = findPostgresPrograms() === null || !hasOpenssl();

/** Deno 2.1 can't encrypt without verifying the certificate and the host's name. */
const versions = [
  { name: "this Deno", find: () => Promise.resolve(thisDeno()), verifiesAlways: false },
  { name: "Deno 2.1", find: deno21, verifiesAlways: true },
];

for (const { name, find, verifiesAlways } of versions) {
  Deno.test({ name: `openPostgres() encrypts and verifies as sslmode says [${name}]`, ignore }, async () => {
    await using deno = await find();
    if (deno === null) return;
    await using certificates = await makeCertificates();
    const server = await startPostgres({ settings: ["ssl = on"], files: certificates.files });
    try {
      const address = server.uri;
      const named = address.replace("127.0.0.1", "localhost");
      const root = `sslrootcert=${certificates.authority}`;
      const unverified = verifiesAlways ? "tls_failed" : "encrypted";
      const expected = {
        [`${address}?sslmode=disable`]: "plain",
        [address]: verifiesAlways ? "plain" : "encrypted",
        [`${named}?sslmode=require`]: unverified,
        [`${named}?sslmode=require&${root}`]: "encrypted",
        [`${named}?sslmode=verify-ca&${root}`]: "encrypted",
        [`${address}?sslmode=verify-ca&${root}`]: unverified,
        [`${named}?sslmode=verify-ca`]: "tls_failed",
        [`${named}?sslmode=verify-full&${root}`]: "encrypted",
        [`${named}?sslmode=verify-full`]: "tls_failed",
        [`${address}?sslmode=verify-full&${root}`]: "tls_failed",
      };
      assertEquals(await probe(deno, Object.keys(expected)), Object.values(expected));
      // The runtime itself trusts the authority, as Supabase's trusts that of its databases.
      const trusting = ["", "?sslmode=require", "?sslmode=verify-full"].map((mode) => named + mode);
      const encrypted = trusting.map(() => "encrypted");
      assertEquals(await probe(deno, trusting, { DENO_CERT: certificates.authority }), encrypted);
    } finally {
      await server.stop();
    }
  });

  Deno.test(
    { name: `openPostgres() meets a server without TLS as sslmode says [${name}]`, ignore },
    async () => {
      await using deno = await find();
      if (deno === null) return;
      const server = await startPostgres();
      try {
        const uris = ["", "?sslmode=require", "?sslmode=verify-full"].map((mode) => server.uri + mode);
        assertEquals(await probe(deno, uris), ["plain", "tls_failed", "tls_failed"]);
        await server.halt();
        assertEquals(await probe(deno, uris.slice(0, 1)), ["server_unreachable"]);
      } finally {
        await server.stop();
      }
    },
  );
}

Deno.test("needsVerifiedTls() knows Deno 2.1, also by the name of Supabase's runtime", () => {
  const old = ["2.1.4", "2.0.0", "1.46.3", "supabase-edge-runtime-1.74.2 (compatible with Deno v2.1.4)"];
  const recent = ["2.2.0", "2.9.6", "2.10.1", "supabase-edge-runtime-2.1.0 (compatible with Deno v2.9.6)"];
  assertEquals(old.filter(needsVerifiedTls), old);
  assertEquals([...recent, undefined].filter(needsVerifiedTls), []);
});

async function probe(
  { program, config }: DenoProgram,
  uris: readonly string[],
  env: Record<string, string> = {},
): Promise<string[]> {
  const script = new URL("_tls_probe.ts", import.meta.url).pathname;
  const { stdout } = await new Deno.Command(program, {
    args: ["run", "-A", "--no-check", "--quiet", "--config", config, script, ...uris],
    env,
    stderr: "inherit",
  }).output();
  return new TextDecoder().decode(stdout).trim().split("\n");
}
