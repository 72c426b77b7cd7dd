/** The bytes that a name may have in UTF-8: two of them fit into an entry of an index, which has at most 2,704. */
const MAX_BYTES = 1000;

/**
 * Refuses names that the database could not store or tell apart: what is no text, empty ones, very long ones, and ones
 * with a NUL or half of a surrogate pair.
 *
 * @param what Names the option in the error.
 * @param name The name: 1,000 bytes in UTF-8 at most.
 * @throws {TypeError} When it is not storable.
 */
export function assertStorableName(what: string, name: unknown): void {
  if (typeof name !== "string") {
    throw new TypeError(`Cannot use the ${what} ${String(name)}: it must be a text, not ${typeof name}.`);
  }
  const bytes = new TextEncoder().encode(name).length;
  if (bytes > MAX_BYTES) {
    throw new TypeError(
      `Cannot use the ${what} ${
        JSON.stringify(name.slice(0, 20))
      }...: it has ${bytes} bytes in UTF-8, and may have ` +
        `${MAX_BYTES}. Use its hash.`,
    );
  }
  if (name.trim() !== "" && !name.includes("\0") && name.isWellFormed()) return;
  throw new TypeError(
    `Cannot use the ${what} ${
      JSON.stringify(name)
    }: it must not be empty, nor have a NUL or half of a surrogate pair.`,
  );
}
