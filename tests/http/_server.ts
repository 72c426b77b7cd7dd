import { exportJWK, generateKeyPair, SignJWT } from "jose";
import OpenAI from "openai";
import { configureDBOS, type Database, shutdownDBOS } from "../../mod.ts";
import { authenticator } from "../../src/http/authenticate.ts";
import type { Limits } from "../../src/http/limits.ts";
import { serveAgents } from "../../src/http/serve_agents.ts";
import { type TestDatabase, testDatabases } from "../_databases.ts";
import { makeWorld, type World } from "./_world.ts";

/** The service's own secret, and that of the scheduler. */
export const SERVICE_KEY = "sb_secret_service";
export const CRON_KEY = "sb_secret_cron";
const ISSUER = "https://project.supabase.co/auth/v1";

/** What is special about a token. */
export interface TokenOptions {
  expiresAt?: number;
  issuer?: string;
  audience?: string;
  /** Signs with a key that the server does not know. */
  foreign?: boolean;
}

/** Agents served over HTTP, on a database of their own. */
export interface TestServer extends AsyncDisposable {
  readonly world: World;
  readonly database: Database;
  /** Up to `/v1`. */
  readonly url: string;
  /** A user's token, good unless told otherwise. */
  token(userId: string, options?: TokenOptions): Promise<string>;
  /** An API key of ours. */
  apiKey(ownerId: string, agents?: string[]): Promise<string>;
  /** The official client, which does not try again unless told to. */
  client(key?: string, options?: { maxRetries?: number; fetch?: typeof fetch }): OpenAI;
  /** A plain request with JSON. */
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
}

/** Serves agents on a fresh database. */
export async function startServer(target: TestDatabase, limits: Partial<Limits> = {}): Promise<TestServer> {
  const fresh = await target.create({ withDBOS: true });
  configureDBOS({
    connectionString: fresh.connectionString,
    heartbeatSeconds: 0.1,
    executorTimeoutSeconds: 2,
  });
  const world = makeWorld();
  const known = await generateKeyPair("ES256", { extractable: true });
  const foreign = await generateKeyPair("ES256", { extractable: true });
  const jwk = { ...await exportJWK(known.publicKey), alg: "ES256" };
  const handler = serveAgents({
    agents: [world.assistant, world.clerk],
    callerTools: [world.clerk.name],
    limits,
    authenticate: authenticator({
      database: () => Promise.resolve(fresh.database),
      serviceSecrets: [SERVICE_KEY],
      cronSecrets: [CRON_KEY],
      jwt: { jwks: { keys: [jwk] }, issuer: ISSUER },
    }),
  });
  // Deno 2.1 would wait for connections that clients keep for later.
  const stop = new AbortController();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, signal: stop.signal, onListen: () => {} },
    handler,
  );
  // As a gateway leaves it: what is before the last /v1/ is of no matter.
  const url = `http://127.0.0.1:${server.addr.port}/functions/v1/agents/v1`;
  return {
    world,
    database: fresh.database,
    url,
    async token(userId, options = {}) {
      const { privateKey } = options.foreign ? foreign : known;
      return await new SignJWT({ role: "authenticated" })
        .setProtectedHeader({ alg: "ES256" }).setSubject(userId).setIssuer(options.issuer ?? ISSUER)
        .setAudience(options.audience ?? "authenticated")
        .setExpirationTime(options.expiresAt ?? Math.floor(Date.now() / 1000) + 3600).sign(privateKey);
    },
    async apiKey(ownerId, agents) {
      const [row] = await fresh.database.query("select timestep.create_api_key($1, $2) as key", [
        ownerId,
        agents ?? null,
      ]);
      return String(row?.["key"]);
    },
    client: (key = SERVICE_KEY, options = {}) =>
      new OpenAI({ apiKey: key, baseURL: url, maxRetries: 0, ...options }),
    send: (method, path, body, headers = {}) =>
      fetch(`${url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${SERVICE_KEY}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      }),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await server.finished;
      await shutdownDBOS();
      configureDBOS({});
      await fresh[Symbol.asyncDispose]();
    },
  };
}

/** One test for each engine, whose steps share a server. */
export function serverTest(
  name: string,
  body: (server: TestServer, test: Deno.TestContext) => Promise<void>,
  limits: Partial<Limits> = {},
  ignore = false,
): void {
  for (const target of testDatabases()) {
    Deno.test({
      name: `${name} [${target.engine}]`,
      ignore,
      async fn(test) {
        await using server = await startServer(target, limits);
        await body(server, test);
      },
    });
  }
}
