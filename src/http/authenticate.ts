import type { Queryable } from "../database/database.ts";
import { ApiError } from "./api_error.ts";
import { type EnvironmentProofs, missingProofs, proofsFromEnvironment } from "./authentication_options.ts";
import { isOneOf, sha256 } from "./_constant_time.ts";
import type { JwtOptions, VerifyJwt } from "./_verify_jwt.ts";
import type { ApiKeyPrincipal, Principal } from "./principal.ts";

/** Tells who sends a request. Rejects with a 401 when it carries no credential, or one that is not good. */
export type Authenticate = (request: Request) => Promise<Principal>;

/** What {@linkcode authenticator} accepts as proof. */
export interface AuthenticatorOptions {
  /** Opens the database in which API keys are looked up. */
  database: () => Promise<Queryable>;
  /** Secrets of the service itself, as sent in `apikey` or as bearer token. */
  serviceSecrets: readonly string[];
  /** Secrets of the scheduler, as sent in `apikey`. */
  cronSecrets: readonly string[];
  /** How users' tokens are verified. */
  jwt: JwtOptions;
}

/** What our own API keys begin with. */
const API_KEY_PREFIX = "tsk_";
const BEARER = /^Bearer +(.+)$/i;

/**
 * Makes the default way to tell who is calling. In this order: a secret in `apikey`, then the bearer token, which
 * may be a secret, one of our API keys or a user's JWT. A token that is there but bad is refused, whatever else came
 * with it; a good user's token beside a service secret means the user.
 *
 * @param options The proofs to accept.
 * @returns The function that reads a request's credentials.
 */
export function authenticator(options: AuthenticatorOptions): Authenticate {
  let verifyJwt: VerifyJwt | undefined;
  const bySecret = (given: string): Principal | null => {
    // A secret that somebody has left empty is none.
    if (given === "") return null;
    if (isOneOf(given, options.serviceSecrets)) return { kind: "service" };
    return isOneOf(given, options.cronSecrets) ? { kind: "cron" } : null;
  };
  return async (request) => {
    const apiKey = request.headers.get("apikey");
    const holder = apiKey === null ? null : bySecret(apiKey);
    const token = bearerToken(request);
    if (token === null) {
      if (holder) return holder;
      throw unauthorized(
        apiKey === null ? "No credential was sent." : "The key sent in 'apikey' is not a secret key.",
      );
    }
    // Loaded only where there is a token to look into.
    const { claimedRole, jwtVerifier } = await import("./_verify_jwt.ts");
    // Supabase's local gateway puts a service token of its own in place of a secret sent as bearer token.
    if (holder?.kind === "service" && claimedRole(token) === "service_role") return holder;
    const secretHolder = bySecret(token);
    if (secretHolder) return secretHolder;
    return token.startsWith(API_KEY_PREFIX)
      ? await byApiKey(await options.database(), token)
      : await byJwt(verifyJwt ??= jwtVerifier(options.jwt), token);
  };
}

/** The authenticator that accepts what the environment names; see {@linkcode proofsFromEnvironment}. Read with the first request. */
export function environmentAuthenticator(database: () => Promise<Queryable>): Authenticate {
  let made: Authenticate | undefined;
  return async (request) => {
    made ??= authenticator({ database, ...announced(proofsFromEnvironment()) });
    return await made(request);
  };
}

function announced(proofs: EnvironmentProofs): EnvironmentProofs {
  const missing = missingProofs(proofs);
  if (missing !== null) console.warn(missing);
  return proofs;
}

function bearerToken(request: Request): string | null {
  const header = request.headers.get("authorization");
  if (header === null) return null;
  const token = BEARER.exec(header)?.[1]?.trim();
  if (!token) throw unauthorized("The 'authorization' header is not of the form 'Bearer <token>'.");
  return token;
}

async function byApiKey(database: Queryable, key: string): Promise<ApiKeyPrincipal> {
  const [row] = await database.query(
    `select owner_id, agents from timestep.api_keys
     where key_hash = $1 and revoked_at is null and (expires_at is null or expires_at > now())`,
    [sha256(key)],
  );
  if (!row) throw unauthorized("The API key is unknown, expired or revoked.");
  const { owner_id: ownerId, agents } = row;
  if (typeof ownerId !== "string" || !(agents === null || Array.isArray(agents))) {
    throw new TypeError("Cannot read an API key's row: owner_id must be text and agents an array or null");
  }
  return { kind: "api_key", ownerId, agents: agents?.map(String) ?? null };
}

async function byJwt(verifyJwt: VerifyJwt, token: string): Promise<Principal> {
  try {
    const claims = await verifyJwt(token);
    return { kind: "user", ownerId: claims.sub, claims };
  } catch (cause) {
    const { isKeyServerFailure } = await import("./_verify_jwt.ts");
    if (isKeyServerFailure(cause)) {
      throw new ApiError(503, "The keys that verify tokens cannot be read right now.", {
        retryAfterSeconds: 5,
        cause,
      });
    }
    throw unauthorized("The token is not valid.", cause);
  }
}

function unauthorized(message: string, cause?: unknown): ApiError {
  return new ApiError(401, `${message} Send 'Authorization: Bearer <token>', or a secret key in 'apikey'.`, {
    code: "invalid_api_key",
    cause,
  });
}
