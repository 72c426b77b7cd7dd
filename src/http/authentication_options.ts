import process from "node:process";
import type { JSONWebKeySet } from "jose";
import type { JwtOptions } from "./_verify_jwt.ts";

/** The proofs of who is calling, as Supabase puts them into a function's environment. */
export interface EnvironmentProofs {
  /** Secrets of the service itself. */
  serviceSecrets: string[];
  /** Secrets of the scheduler. */
  cronSecrets: string[];
  /** How users' tokens are verified. */
  jwt: JwtOptions;
}

/**
 * Reads which proofs are accepted: `SUPABASE_SECRET_KEYS` (name to key; the one called `cron` may only wake workers)
 * and `SUPABASE_SERVICE_ROLE_KEY`, `TIMESTEP_DISPATCH_KEY`, and for users' tokens `SUPABASE_JWKS`, else
 * `SUPABASE_URL`'s own; `TIMESTEP_JWT_SECRET` opts in to HS256. Where `SUPABASE_URL` is a project's public address,
 * only its own tokens are accepted: their issuer is checked. Elsewhere (locally it is the gateway's inner address),
 * and for a domain of your own, set `TIMESTEP_JWT_ISSUER`.
 *
 * @param read Reads a variable of the environment.
 * @throws {TypeError} When a variable is not the JSON that it should be.
 */
export function proofsFromEnvironment(
  read: (name: string) => string | undefined = (name) => process.env[name],
): EnvironmentProofs {
  const named = keysByName(read("SUPABASE_SECRET_KEYS"));
  const serviceSecrets = [...named].filter(([name]) => name !== "cron").map(([, key]) => key);
  const legacy = read("SUPABASE_SERVICE_ROLE_KEY");
  const dispatch = read("TIMESTEP_DISPATCH_KEY");
  const cron = named.get("cron");
  const hs256Secret = read("TIMESTEP_JWT_SECRET");
  const issuer = read("TIMESTEP_JWT_ISSUER") || issuerOf(read("SUPABASE_URL"));
  const jwks = keySet(read("SUPABASE_JWKS"), read("SUPABASE_URL"));
  return {
    serviceSecrets: [...serviceSecrets, ...(legacy ? [legacy] : [])],
    cronSecrets: [cron, dispatch].flatMap((key) => key ? [key] : []),
    jwt: {
      ...(jwks ? { jwks } : {}),
      ...(hs256Secret ? { hs256Secret } : {}),
      ...(issuer ? { issuer } : {}),
    },
  };
}

/** What to tell who serves agents to nobody: with no proof in the environment only our own API keys are accepted. */
export function missingProofs({ serviceSecrets, cronSecrets, jwt }: EnvironmentProofs): string | null {
  if (serviceSecrets.length + cronSecrets.length + Object.keys(jwt).length > 0) return null;
  return "No secret key and no issuer of tokens is set: only keys of timestep.create_api_key() are accepted. Set " +
    `SUPABASE_SECRET_KEYS, for example to {"default":"a long secret"}, or pass serveAgents() an 'authenticate'.`;
}

function keysByName(text: string | undefined): Map<string, string> {
  if (!text) return new Map();
  const keys = parseObject("SUPABASE_SECRET_KEYS", text);
  return new Map(
    Object.entries(keys).filter((entry): entry is [string, string] =>
      typeof entry[1] === "string" && entry[1] !== ""
    ),
  );
}

function keySet(text: string | undefined, url: string | undefined): JSONWebKeySet | URL | undefined {
  if (!text) return url ? new URL("/auth/v1/.well-known/jwks.json", url) : undefined;
  const { keys } = parseObject("SUPABASE_JWKS", text);
  if (Array.isArray(keys)) return { keys };
  throw new TypeError('Cannot read SUPABASE_JWKS: it has no list "keys". Leave it as Supabase sets it.');
}

/** A project's own issuer, as far as its address tells. */
function issuerOf(url: string | undefined): string | undefined {
  if (!url) return undefined;
  const { protocol, origin } = new URL(url);
  // Within Supabase's local containers the address is `http://kong:8000`, which no token names.
  return protocol === "https:" ? `${origin}/auth/v1` : undefined;
}

function parseObject(name: string, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return Object.fromEntries(Object.entries(value));
  } catch {
    // Said below, without the text: it is secret.
  }
  throw new TypeError(`Cannot read ${name}: it is not a JSON object. Leave it as Supabase sets it.`);
}
