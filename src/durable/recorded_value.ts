import type { JsonValue } from "../core/json_value.ts";

/** Marks what JSON has no form of its own for; the same mark as in Python. */
const TYPE = "$timestep";

/** What the SDK tells the model of a value that `JSON.stringify` throws on. */
const UNREADABLE = "[object with circular references]";

/**
 * A value as JSON text, such that {@linkcode decodeValue} gives one that the SDK shows the model in the same way: also
 * of bytes, dates, bigints, `undefined`, and of what no JSON can hold. Of a class instance its data remains, as
 * `JSON.stringify` sees it.
 */
export function encodeValue(value: unknown): string {
  if (value === undefined || value === null) return JSON.stringify(marked(String(value)));
  try {
    const text: string | undefined = JSON.stringify(value, encode);
    if (typeof value !== "object") return text ?? JSON.stringify(String(value));
    // What describes itself, as URLs do, the SDK shows in quotes, other than a text.
    const isPlain = text?.startsWith("{") || text?.startsWith("[");
    return isPlain ? text : JSON.stringify(marked("json", text === undefined ? text : JSON.parse(text)));
  } catch {
    return JSON.stringify(UNREADABLE);
  }
}

function encode(this: Record<string, unknown>, key: string, described: unknown): unknown {
  // Dates and buffers have described themselves by now.
  const value = this[key];
  if (typeof value === "bigint") return marked("bigint", String(value));
  if (typeof value === "number" && !Number.isFinite(value)) return marked("number", String(value));
  if (value instanceof Date) return marked("date", described);
  if (value instanceof ArrayBuffer) return marked("bytes", toBase64(new Uint8Array(value)));
  if (ArrayBuffer.isView(value)) {
    return marked("bytes", toBase64(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)));
  }
  // A tool's own object that looks like a mark is none.
  const looksMarked = typeof described === "object" && described !== null && TYPE in described;
  return looksMarked ? marked("object", Object.entries(described)) : described;
}

function marked(type: string, value?: unknown): object {
  return { [TYPE]: type, value };
}

/** The value that was recorded, parsed already. */
export function decodeValue(recorded: unknown): unknown {
  return visit(recorded, decodeMarked);
}

function decodeMarked(type: unknown, value: unknown): unknown {
  switch (type) {
    case "undefined":
      return undefined;
    case "null":
      return null;
    case "bigint":
      return BigInt(String(value));
    case "number":
      return Number(value);
    case "date":
      return new Date(value === null ? NaN : String(value));
    case "bytes":
      return Uint8Array.from(atob(String(value)), (character) => character.charCodeAt(0));
    case "json":
      return { toJSON: () => value };
    default:
      return { [TYPE]: type, value };
  }
}

/** What was recorded as people read it: bytes as base64, and what has no JSON form of its own as text. */
export function readableValue(recorded: unknown): JsonValue {
  // Nothing but JSON is left: it was parsed from it, and so is what marks hold.
  return visit(recorded, (_type, value) => value ?? null) as JsonValue;
}

function visit(recorded: unknown, onMarked: (type: unknown, value: unknown) => unknown): unknown {
  if (typeof recorded !== "object" || recorded === null) return recorded;
  if (Array.isArray(recorded)) return recorded.map((element) => visit(element, onMarked));
  if (!(TYPE in recorded)) return visitEntries(Object.entries(recorded), onMarked);
  const { [TYPE]: type, value } = recorded as { [TYPE]: unknown; value?: unknown };
  return type === "object" && Array.isArray(value) ? visitEntries(value, onMarked) : onMarked(type, value);
}

function visitEntries(
  entries: readonly [string, unknown][],
  onMarked: (type: unknown, value: unknown) => unknown,
): unknown {
  return Object.fromEntries(entries.map(([key, value]) => [key, visit(value, onMarked)]));
}

function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
