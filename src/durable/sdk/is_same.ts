/**
 * Whether plain data and a copy that was made of it still have the same content; a few times cheaper than another copy.
 * Neither the order of properties nor what only objects of other kinds have is looked at.
 */
export function isSame(value: object, copy: object): boolean {
  if (Object.getPrototypeOf(value) !== Object.getPrototypeOf(copy)) return false;
  if (Array.isArray(value)) return isSameArray(value, copy as unknown[]); // Their prototypes are the same.
  return isSameRecord(value as Record<string, unknown>, copy as Record<string, unknown>);
}

function isSameRecord(value: Record<string, unknown>, copy: Record<string, unknown>): boolean {
  let more = 0;
  for (const key in value) {
    const property = value[key];
    if (!isSameValue(property, copy[key])) return false;
    if (property === undefined && !Object.hasOwn(copy, key)) return false;
    more++;
  }
  for (const _ in copy) more--;
  return more === 0;
}

function isSameArray(value: readonly unknown[], copy: readonly unknown[]): boolean {
  if (value.length !== copy.length) return false;
  for (let index = 0; index < value.length; index++) {
    if (!isSameValue(value[index], copy[index])) return false;
  }
  return true;
}

function isSameValue(value: unknown, copy: unknown): boolean {
  if (value === copy) return value !== 0 || Object.is(value, copy);
  if (typeof value !== "object" || value === null || typeof copy !== "object" || copy === null) {
    return Object.is(value, copy);
  }
  return isSame(value, copy);
}
