import { createHash } from "node:crypto";

/** Ids that are part of keys as they are: short ones, and without what divides keys. */
const PLAIN = /^[ !"$-.0-~]{0,128}$/;

/**
 * An id as it can be part of a key. Models give calls ids of any kind and length, which no index takes: what is not short
 * and plain is replaced by its hash. The same in Python.
 */
export function storableId(id: string): string {
  if (PLAIN.test(id)) return id;
  return `sha256_${createHash("sha256").update(storableText(id)).digest("base64url")}`;
}

/** A text as the database can hold it: NULs and halves of characters as JSON escapes them. */
export function storableText(text: string): string {
  return text.replace(
    /\0|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
    (odd) => `\\u${odd.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
