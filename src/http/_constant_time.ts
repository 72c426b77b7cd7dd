import { createHash, timingSafeEqual } from "node:crypto";

/**
 * Whether `given` is one of `secrets`. Takes the same time whichever matches, and however much of it: the digests
 * are compared, all of them, always.
 */
export function isOneOf(given: string, secrets: readonly string[]): boolean {
  const digest = sha256(given);
  let found = false;
  for (const secret of secrets) found = timingSafeEqual(digest, sha256(secret)) || found;
  return found;
}

/** The SHA-256 digest of a text's UTF-8 bytes. */
export function sha256(text: string): Uint8Array {
  return createHash("sha256").update(text, "utf8").digest();
}
