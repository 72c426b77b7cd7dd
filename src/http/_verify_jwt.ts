import {
  createLocalJWKSet,
  createRemoteJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  errors,
  jwtVerify,
} from "jose";
import type { JWTPayload, JWTVerifyGetKey } from "jose";
import type { JSONWebKeySet } from "../core/package_types.ts";

/** How users' tokens are verified. */
export interface JwtOptions {
  /** The public keys, or where they are served. Tokens signed with ES256 or RS256 are accepted. */
  jwks?: JSONWebKeySet | URL;
  /** A shared secret: tokens signed with HS256 are accepted too. Only for projects that have not moved to key pairs. */
  hs256Secret?: string;
  /** The `iss` that a token must have, for example `https://REF.supabase.co/auth/v1`. Not checked when left out. */
  issuer?: string;
  /** The `aud` that a token must have. Default: `authenticated`, as Supabase issues. */
  audience?: string;
}

/** Verifies a token and returns its claims; rejects when it is not to be trusted. */
export type VerifyJwt = (token: string) => Promise<JWTPayload & { sub: string }>;

/** Makes a verifier. Keys that are served are fetched on first use and cached. */
export function jwtVerifier(options: JwtOptions): VerifyJwt {
  const publicKeys = keySet(options.jwks);
  const secret = options.hs256Secret === undefined ? null : new TextEncoder().encode(options.hs256Secret);
  const claims = {
    audience: options.audience ?? "authenticated",
    requiredClaims: ["sub", "exp"],
    ...(options.issuer === undefined ? {} : { issuer: options.issuer }),
  };
  return async (token) => {
    const verified = await verify(token, publicKeys, secret, claims);
    const { sub } = verified;
    if (typeof sub !== "string" || sub === "") throw new errors.JWTInvalid("The token names no subject");
    const { role } = verified;
    if (role === "anon" || role === "service_role") throw new errors.JWTInvalid("The token is no user's");
    return { ...verified, sub };
  };
}

/** The `role` that an unverified token claims, for telling a gateway's token from a user's; `null` when unreadable. */
export function claimedRole(token: string): string | null {
  try {
    const { role } = decodeJwt(token);
    return typeof role === "string" ? role : null;
  } catch {
    return null;
  }
}

/** Whether verification failed for want of the server's keys, not by the token's fault. */
export function isKeyServerFailure(error: unknown): boolean {
  if (!(error instanceof errors.JOSEError)) return true;
  return error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid ||
    error.code === "ERR_JOSE_GENERIC";
}

async function verify(
  token: string,
  publicKeys: JWTVerifyGetKey | null,
  secret: Uint8Array | null,
  claims: { audience: string; requiredClaims: string[]; issuer?: string },
): Promise<JWTPayload> {
  // Which kind of key is used follows from the token's own header only among kinds that are configured, and each
  // kind is bound to its algorithms: a public key can never be taken for a shared secret.
  if (secret && algorithmOf(token) === "HS256") {
    return (await jwtVerify(token, secret, { ...claims, algorithms: ["HS256"] })).payload;
  }
  if (!publicKeys) throw new errors.JWTInvalid("No keys are configured for this token's algorithm");
  return (await jwtVerify(token, publicKeys, { ...claims, algorithms: ["ES256", "RS256"] })).payload;
}

function keySet(jwks: JwtOptions["jwks"]): JWTVerifyGetKey | null {
  if (jwks === undefined) return null;
  return jwks instanceof URL ? createRemoteJWKSet(jwks) : createLocalJWKSet(jwks);
}

function algorithmOf(token: string): string | null {
  try {
    return decodeProtectedHeader(token).alg ?? null;
  } catch {
    return null;
  }
}
