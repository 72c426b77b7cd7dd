import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { ApiError } from "../../src/http/api_error.ts";
import { authenticator } from "../../src/http/authenticate.ts";
import type { Principal } from "../../src/http/principal.ts";
import { serveAgents } from "../../src/http/serve_agents.ts";
import { missingProofs, proofsFromEnvironment } from "../../src/http/authentication_options.ts";

const known = await generateKeyPair("ES256", { extractable: true });
const publicJwk = { ...await exportJWK(known.publicKey), alg: "ES256", kid: "k" };
const SECRET = "a-shared-secret-of-more-than-32-characters";
const NOW = Math.floor(Date.now() / 1000);

const authenticate = authenticator({
  database: () => Promise.reject(new Error("No database is needed here.")),
  // An empty one is a variable that was not set.
  serviceSecrets: ["sb_secret_a", "sb_secret_b", ""],
  cronSecrets: ["cron", ""],
  jwt: { jwks: { keys: [publicJwk] }, issuer: "https://x/auth/v1" },
});

function request(headers: Record<string, string>): Request {
  return new Request("http://localhost/v1/models", { headers });
}

function token(claims: Record<string, unknown> = {}): Promise<string> {
  const good = {
    sub: "ada",
    aud: "authenticated",
    iss: "https://x/auth/v1",
    exp: NOW + 60,
    role: "authenticated",
  };
  return new SignJWT({ ...good, ...claims }).setProtectedHeader({ alg: "ES256", kid: "k" }).sign(
    known.privateKey,
  );
}

async function statusOf(headers: Record<string, string>): Promise<number> {
  return (await assertRejects(() => authenticate(request(headers)), ApiError)).status;
}

Deno.test("authenticator() knows the service by a secret in either header", async () => {
  for (
    const headers of [
      { apikey: "sb_secret_a" },
      { authorization: "Bearer sb_secret_b" },
      { apikey: "sb_secret_a", authorization: "bearer sb_secret_a" },
    ]
  ) assertEquals((await authenticate(request(headers))).kind, "service");
  assertEquals((await authenticate(request({ apikey: "cron" }))).kind, "cron");
});

Deno.test("authenticator() takes a user's token beside a secret for the user", async () => {
  const headers = { apikey: "sb_secret_a", authorization: `Bearer ${await token()}` };
  const principal = await authenticate(request(headers));
  assertEquals([principal.kind, "ownerId" in principal && principal.ownerId], ["user", "ada"]);
});

Deno.test("authenticator() passes over the token that a gateway puts in place of a secret", async () => {
  const gateway = new UnsecuredJWT({ role: "service_role" }).encode();
  const headers = { apikey: "sb_secret_a", authorization: `Bearer ${gateway}` };
  assertEquals((await authenticate(request(headers))).kind, "service");
  assertEquals(await statusOf({ authorization: `Bearer ${gateway}` }), 401);
});

Deno.test("authenticator() refuses a bad token, whatever else is sent", async () => {
  const foreign = await generateKeyPair("ES256");
  const claims = { sub: "ada", aud: "authenticated", iss: "https://x/auth/v1", exp: NOW + 60 };
  const shared = new TextEncoder().encode(SECRET);
  const bad = [
    "no-jwt",
    "a.b.c",
    await token({ exp: NOW - 60 }),
    await token({ exp: undefined }),
    await token({ aud: "others" }),
    await token({ iss: "https://evil/auth/v1" }),
    await token({ sub: "" }),
    await token({ sub: undefined }),
    await token({ nbf: NOW + 3600 }),
    await token({ role: "anon" }),
    await token({ iss: undefined }),
    await token({ aud: undefined }),
    new UnsecuredJWT(claims).encode(),
    await new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(shared),
    await new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid: "k" }).sign(foreign.privateKey),
    // The public key as if it were a shared secret.
    await new SignJWT(claims).setProtectedHeader({ alg: "HS256", kid: "k" })
      .sign(new TextEncoder().encode(JSON.stringify(publicJwk))),
  ];
  for (const credential of bad) {
    assertEquals(await statusOf({ authorization: `Bearer ${credential}` }), 401, credential);
    assertEquals(await statusOf({ authorization: `Bearer ${credential}`, apikey: "sb_secret_a" }), 401);
  }
  // Beside a secret it is the gateway's; alone it is nobody's.
  assertEquals(await statusOf({ authorization: `Bearer ${await token({ role: "service_role" })}` }), 401);
  assertEquals(await statusOf({}), 401);
  assertEquals(await statusOf({ apikey: "sb_publishable_x" }), 401);
  assertEquals(await statusOf({ apikey: "" }), 401);
  assertEquals(await statusOf({ authorization: "Basic YTpi" }), 401);
});

Deno.test("authenticator() takes HS256 only where it was asked for", async () => {
  const opted = authenticator({
    database: () => Promise.reject(new Error("No database is needed here.")),
    serviceSecrets: [],
    cronSecrets: [],
    jwt: { hs256Secret: SECRET },
  });
  const claims = { sub: "ada", aud: "authenticated", exp: NOW + 60 };
  const good = await new SignJWT(claims).setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(SECRET));
  assertEquals((await opted(request({ authorization: `Bearer ${good}` }))).kind, "user");
  const es256 = request({ authorization: `Bearer ${await token()}` });
  assertEquals((await assertRejects(() => opted(es256), ApiError)).status, 401);
});

Deno.test("proofsFromEnvironment() reads Supabase's variables", () => {
  const variables: Record<string, string> = {
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: "sb_secret_a", cron: "sb_secret_c" }),
    SUPABASE_SERVICE_ROLE_KEY: "legacy",
    TIMESTEP_DISPATCH_KEY: "dispatch",
    SUPABASE_JWKS: JSON.stringify({ keys: [publicJwk] }),
    SUPABASE_URL: "http://kong:8000",
  };
  assertEquals(proofsFromEnvironment((name) => variables[name]), {
    serviceSecrets: ["sb_secret_a", "legacy"],
    cronSecrets: ["sb_secret_c", "dispatch"],
    jwt: { jwks: { keys: [publicJwk] } },
  });
  const { jwt } = proofsFromEnvironment((name) => name === "SUPABASE_URL" ? "http://kong:8000" : undefined);
  assertEquals(String(jwt.jwks), "http://kong:8000/auth/v1/.well-known/jwks.json");
  assertEquals(jwt.issuer, undefined);
});

Deno.test("missingProofs() says what to set where nobody could show a good credential", () => {
  assertStringIncludes(missingProofs(proofsFromEnvironment(() => undefined)) ?? "", "SUPABASE_SECRET_KEYS");
  for (
    const [name, value] of [
      ["SUPABASE_SECRET_KEYS", '{"default":"x"}'],
      ["SUPABASE_SERVICE_ROLE_KEY", "x"],
      ["SUPABASE_URL", "https://project.supabase.co"],
      ["TIMESTEP_JWT_SECRET", SECRET],
    ]
  ) assertEquals(missingProofs(proofsFromEnvironment((read) => read === name ? value : undefined)), null);
});

Deno.test("proofsFromEnvironment() binds tokens to their project where its address is public", async () => {
  const issuerOf = (variables: Record<string, string>) =>
    proofsFromEnvironment((name) => variables[name]).jwt.issuer;
  const SUPABASE_URL = "https://ref.supabase.co";
  assertEquals(issuerOf({ SUPABASE_URL }), "https://ref.supabase.co/auth/v1");
  assertEquals(
    issuerOf({ SUPABASE_URL, TIMESTEP_JWT_ISSUER: "https://auth.example" }),
    "https://auth.example",
  );
  const proofs = proofsFromEnvironment((name) =>
    ({ SUPABASE_URL, SUPABASE_JWKS: JSON.stringify({ keys: [publicJwk] }) })[name]
  );
  const bound = authenticator({ database: () => Promise.reject(new Error("No database.")), ...proofs });
  const send = (credential: string) => bound(request({ authorization: `Bearer ${credential}` }));
  assertEquals((await send(await token({ iss: "https://ref.supabase.co/auth/v1" }))).kind, "user");
  for (const iss of ["https://other.supabase.co/auth/v1", undefined]) {
    assertEquals((await assertRejects(async () => await send(await token({ iss })), ApiError)).status, 401);
  }
});

Deno.test("serveAgents() lets nobody in of whom authenticate() does not say who it is", async () => {
  const incomplete: unknown[] = [
    null,
    undefined,
    {},
    { kind: "admin" },
    { kind: "user" },
    { kind: "user", ownerId: undefined, claims: {} },
    { kind: "user", ownerId: "", claims: {} },
    { kind: "api_key", ownerId: "ada" },
  ];
  const agents = [{ name: "Nobody's", load: () => Promise.reject(new Error("No agent is needed here.")) }];
  const { error } = console;
  const said: unknown[] = [];
  console.error = (...parts) => said.push(parts.at(-1));
  try {
    const statuses = incomplete.map(async (principal) => {
      // As a program without types may tell it.
      const serve = serveAgents({ agents, authenticate: () => Promise.resolve(principal as Principal) });
      return (await serve(request({}))).status;
    });
    assertEquals(await Promise.all(statuses), [401, 401, 500, 500, 500, 500, 500, 500]);
  } finally {
    console.error = error;
  }
  assertStringIncludes(String(said.at(-1)), 'a principal of kind "api_key" that is not whole');
});
