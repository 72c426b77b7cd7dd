/**
 * Refuses names that the database could not store or tell apart: empty ones, and ones with a NUL or half of a
 * surrogate pair.
 *
 * @param what Names the option in the error.
 * @param name The name.
 * @throws {TypeError} When it is not storable.
 */
export function assertStorableName(what: string, name: string): void {
  if (name.trim() !== "" && !name.includes("\0") && name.isWellFormed()) return;
  throw new TypeError(
    `Cannot use the ${what} ${
      JSON.stringify(name)
    }: it must not be empty, nor have a NUL or half of a surrogate pair.`,
  );
}
