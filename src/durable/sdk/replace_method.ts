/** The functions that were put in place of the SDK's or the user's. */
const replacements = new WeakSet<object>();

/**
 * Replaces a method of an object in place, once: an object that has a replacement already, also by being a copy of
 * one that had it, is left alone.
 *
 * @param wrap Makes the replacement.
 */
export function replaceMethod<TTarget extends object, TName extends keyof TTarget>(
  target: TTarget,
  name: TName,
  wrap: (original: TTarget[TName] & object) => TTarget[TName] & object,
): void {
  const original = target[name];
  if (typeof original !== "function" || replacements.has(original)) return;
  const replacement = wrap(original);
  replacements.add(replacement);
  target[name] = replacement;
}
