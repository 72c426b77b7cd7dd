import { assertEquals } from "@std/assert";
import { configureDBOS, runAgentWorkflow, shutdownDBOS } from "../../mod.ts";
import { needsVerifiedTls } from "../../src/database/_verified_tls.ts";
import { hasOpenssl, makeCertificates } from "../database/_certificates.ts";
import { findPostgresPrograms, startPostgres } from "../_postgres.ts";
import { steppingAgent, uniqueName } from "./_workflows.ts";

const ignore = findPostgresPrograms() === null || !hasOpenssl();

Deno.test({ name: "runAgentWorkflow() encrypts every connection as sslmode says", ignore }, async (test) => {
  await using certificates = await makeCertificates();
  const server = await startPostgres({
    settings: ["ssl = on"],
    // Nobody gets in without TLS.
    files: { ...certificates.files, "pg_hba.conf": "hostssl all all all scram-sha-256\n" },
  });
  const named = server.uri.replace("127.0.0.1", "localhost");
  const authority = `sslrootcert=${certificates.authority}`;
  try {
    // Deno 2.1 can't encrypt without verifying; this test runs there, too.
    const unverified = needsVerifiedTls(Deno.version.deno) ? [] : ["", "sslmode=require"];
    for (
      const mode of [...unverified, `sslmode=verify-ca&${authority}`, `sslmode=verify-full&${authority}`]
    ) {
      await test.step(mode.split("&")[0] || "nothing said", async () => {
        configureDBOS({ connectionString: `${named}?${mode}` });
        const agent = steppingAgent(uniqueName("Stepper"), 1);
        const { finalOutput } = await runAgentWorkflow({ agent, inputItems: "Go." });
        assertEquals(finalOutput, "1 steps");
        await shutdownDBOS();
      });
    }
  } finally {
    await shutdownDBOS();
    configureDBOS({});
    await server.stop();
  }
});
