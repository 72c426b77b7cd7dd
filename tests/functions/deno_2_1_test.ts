import { assertEquals } from "@std/assert";
import { testDatabases, testServerUri } from "../_databases.ts";
import { deno21 } from "../_deno_2_1.ts";

const root = new URL("../../", import.meta.url);

/** Tests with real clients, and what depends most on the runtime. */
const TESTS = [
  "tests/http/openai_client_test.ts",
  "tests/http/agents_sdk_test.ts",
  "tests/http/ai_sdk_test.ts",
  "tests/http/supabase_js_test.ts",
  "tests/http/approvals_test.ts",
  "tests/workflows/tls_test.ts",
];

Deno.test("server and clients pass their tests on Deno 2.1, at whose level Supabase's runtime is", async () => {
  await using deno = await deno21();
  if (deno === null) return;
  const hasPostgres = testDatabases().some(({ engine }) => engine === "postgres");
  const { code, stdout, stderr } = await new Deno.Command(deno.program, {
    args: ["test", "-A", "--no-check", "--quiet", "--config", deno.config, ...TESTS],
    cwd: root,
    env: {
      ...deno.env,
      NO_COLOR: "1",
      OPENAI_AGENTS_DISABLE_TRACING: "1",
      ...(hasPostgres ? { TIMESTEP_TEST_PG_URI: await testServerUri() } : {}),
    },
    stdin: "null",
  }).output();
  const text = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("\n");
  assertEquals(code, 0, text);
});
