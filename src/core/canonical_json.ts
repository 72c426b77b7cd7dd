/**
 * A value as JSON text in which the order of an object's keys does not show: equal values give equal texts.
 *
 * @throws {TypeError} When JSON has no word for something in the value (a function, a bigint, a cycle).
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, entry: unknown) => {
    if (typeof entry !== "object" || entry === null || Array.isArray(entry)) return entry;
    return Object.fromEntries(Object.entries(entry).sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0));
  });
}
