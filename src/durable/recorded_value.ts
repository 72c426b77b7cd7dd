/** Marks what JSON has no form of its own for. */
const TYPE = "$timestep";

/**
 * A value as JSON text, such that {@linkcode decodeValue} gives an equal one: also bytes, bigints and `undefined`.
 * Of a class instance its data remains, as `JSON.stringify` sees it.
 *
 * @throws {TypeError} When the value contains itself.
 */
export function encodeValue(value: unknown): string {
  return JSON.stringify(
    value === undefined ? { [TYPE]: "undefined" } : value === null ? { [TYPE]: "null" } : value,
    encode,
  );
}

function encode(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return { [TYPE]: "bigint", value: String(value) };
  if (value instanceof Uint8Array) return { [TYPE]: "bytes", value: toBase64(value) };
  return value;
}

/** The value that was recorded, parsed already. */
export function decodeValue(recorded: unknown): unknown {
  if (typeof recorded !== "object" || recorded === null) return recorded;
  if (Array.isArray(recorded)) return recorded.map(decodeValue);
  if (TYPE in recorded) return decodeMarked(recorded as { [TYPE]: unknown; value?: unknown });
  return Object.fromEntries(Object.entries(recorded).map(([key, value]) => [key, decodeValue(value)]));
}

function decodeMarked(marked: { [TYPE]: unknown; value?: unknown }): unknown {
  switch (marked[TYPE]) {
    case "undefined":
      return undefined;
    case "null":
      return null;
    case "bigint":
      return BigInt(String(marked.value));
    case "bytes":
      return Uint8Array.from(atob(String(marked.value)), (character) => character.charCodeAt(0));
    default:
      return marked;
  }
}

function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
