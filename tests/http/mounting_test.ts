import { assert, assertEquals } from "@std/assert";
import { withSupabase } from "@supabase/server";
import { Hono } from "hono";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import OpenAI from "openai";
import { configureDBOS, shutdownDBOS } from "../../mod.ts";
import { authenticator } from "../../src/http/authenticate.ts";
import { serveAgents } from "../../src/http/serve_agents.ts";
import { testDatabases } from "../_databases.ts";
import { makeWorld } from "./_world.ts";

type Handler = (request: Request) => Response | Promise<Response>;

const SECRET = "sb_secret_mounted";

Deno.test("serveAgents() can be mounted in Hono and inside withSupabase()", async (test) => {
  const [target] = testDatabases();
  assert(target);
  await using fresh = await target.create();
  configureDBOS({ connectionString: fresh.connectionString });
  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  const jwks = { keys: [{ ...await exportJWK(publicKey), alg: "ES256", kid: "known" }] };
  const { assistant } = makeWorld();
  const agents = serveAgents({
    agents: [assistant],
    authenticate: authenticator({
      database: () => Promise.resolve(fresh.database),
      serviceSecrets: [SECRET],
      cronSecrets: [],
      jwt: { jwks },
    }),
  });
  const token = await new SignJWT({ role: "authenticated" })
    .setProtectedHeader({ alg: "ES256", kid: "known" }).setSubject("ada").setAudience("authenticated")
    .setIssuedAt().setExpirationTime("1h").sign(privateKey);
  try {
    await test.step("in Hono, beside other routes", async () => {
      const app = new Hono();
      app.get("/health", (context) => context.text("well"));
      app.all("/agents/*", (context) => agents(context.req.raw));
      await using server = serve(app.fetch);
      assertEquals(await (await fetch(`${server.origin}/health`)).text(), "well");
      await answersAndStreams(new OpenAI({ apiKey: token, baseURL: `${server.origin}/agents/v1` }));
    });

    await test.step("inside withSupabase(), which lets in users and servers", async () => {
      const env = {
        url: "https://project.supabase.co",
        publishableKeys: { default: "sb_publishable_x" },
        secretKeys: { default: SECRET },
        jwks,
      };
      await using server = serve(withSupabase({ auth: ["user", "secret"], env }, agents));
      const baseURL = `${server.origin}/agents/v1`;
      await answersAndStreams(new OpenAI({ apiKey: token, baseURL }));
      const asServer = { apiKey: SECRET, defaultHeaders: { apikey: SECRET } };
      await answersAndStreams(new OpenAI({ ...asServer, baseURL }));
      const anonymous = await fetch(`${baseURL}/models`);
      await anonymous.body?.cancel();
      assertEquals(anonymous.status, 401);
    });
  } finally {
    await shutdownDBOS();
    configureDBOS({});
  }

  async function answersAndStreams(client: OpenAI): Promise<void> {
    const asked = { model: assistant.name, input: "Hello" };
    assertEquals((await client.responses.create(asked)).output_text, "You said: Hello");
    let text = "";
    for await (const event of client.responses.stream(asked)) {
      if (event.type === "response.output_text.delta") text += event.delta;
    }
    assertEquals(text, "You said: Hello");
  }
});

function serve(handler: Handler): AsyncDisposable & { origin: string } {
  const stop = new AbortController();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, signal: stop.signal, onListen: () => {} },
    (request) => handler(request),
  );
  return {
    origin: `http://127.0.0.1:${server.addr.port}`,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await server.finished;
    },
  };
}
