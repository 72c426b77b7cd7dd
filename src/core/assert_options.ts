/**
 * Makes sure that a function was given its options: callers without types pass a text, or nothing, which would be taken
 * for no options at all.
 *
 * @param what What cannot be done without them.
 * @throws {TypeError} When it was given something else.
 */
export function assertOptions(what: string, options: unknown): void {
  if (typeof options === "object" && options !== null && !Array.isArray(options)) return;
  // Not shown: it may be a connection string.
  const given = options === null ? "null" : Array.isArray(options) ? "an array" : typeof options;
  throw new TypeError(`Cannot ${what}: its options are ${given}, but have to be an object.`);
}
