import type { Parameter } from "./database.ts";

// Values travel as text in both directions, converted here, so that both engines give and take the same.

/** How the text of a value becomes a JavaScript value, by the type's number in `pg_type`. */
export const parsers: Readonly<Record<number, (text: string) => unknown>> = {
  16: (text) => text === "t",
  17: parseBytes,
  20: parseInteger,
  21: Number,
  23: Number,
  26: Number,
  114: JSON.parse,
  700: Number,
  701: Number,
  1082: String,
  1114: String,
  1184: parseInstant,
  1700: String,
  3802: JSON.parse,
  1000: arrayOf((text) => text === "t"),
  1005: arrayOf(Number),
  1007: arrayOf(Number),
  1016: arrayOf(parseInteger),
  1009: arrayOf(String),
  1015: arrayOf(String),
  1021: arrayOf(Number),
  1022: arrayOf(Number),
  1185: arrayOf(parseInstant),
  1231: arrayOf(String),
  2951: arrayOf(String),
};

/** Types whose drivers would convert a parameter once more. */
export const sentAsText: readonly number[] = [16, 17, 20, 21, 23, 114, 700, 701, 1082, 1114, 1184, 1700, 3802]
  .concat([1000, 1005, 1007, 1009, 1015, 1016, 1021, 1022, 1185, 1231, 2951]);

/** The text of a parameter as Postgres reads it. */
export function serialize(parameter: Parameter): string | null {
  if (parameter === null) return null;
  if (typeof parameter === "string") return parameter;
  if (parameter instanceof Date) return parameter.toISOString();
  if (parameter instanceof Uint8Array) return `\\x${toHex(parameter)}`;
  if (Array.isArray(parameter)) return `{${parameter.map(quote).join(",")}}`;
  if (["number", "bigint", "boolean"].includes(typeof parameter)) return String(parameter);
  throw new TypeError(`Cannot send a parameter of type ${typeof parameter}: send JSON as text and cast it`);
}

function quote(element: unknown): string {
  if (typeof element === "string") return `"${element.replace(/[\\"]/g, "\\$&")}"`;
  throw new TypeError(
    `Cannot send an array parameter with an element of type ${typeof element}: send strings`,
  );
}

function parseInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) {
    throw new RangeError(`Cannot represent ${text} as a number: it is beyond ±2^53; cast it to text`);
  }
  return value;
}

function parseInstant(text: string): Date {
  const instant = new Date(text);
  if (Number.isNaN(instant.getTime())) {
    throw new RangeError(`Cannot represent the time ${text} as a Date: cast it to text`);
  }
  return instant;
}

function parseBytes(text: string): Uint8Array {
  if (!text.startsWith("\\x")) {
    throw new TypeError("Cannot read bytea in the escape format: set bytea_output to hex");
  }
  const bytes = new Uint8Array((text.length - 2) / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(text.slice(2 + 2 * i, 4 + 2 * i), 16);
  return bytes;
}

function toHex(bytes: Uint8Array): string {
  let hex = "";
  for (const byte of bytes) hex += byte.toString(16).padStart(2, "0");
  return hex;
}

/** Reads Postgres's text form of an array, https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO. */
function arrayOf(parse: (text: string) => unknown): (text: string) => unknown[] {
  const token = /"((?:[^"\\]|\\.)*)"|([{}])|([^,{}"]+)/gs;
  return (text) => {
    const result: unknown[] = [];
    const open: unknown[][] = [];
    for (const [, quoted, brace, plain] of text.slice(text.indexOf("{")).matchAll(token)) {
      const target = open.at(-1) ?? result;
      if (brace === "{") {
        const nested = open.length === 0 ? result : [];
        if (open.length > 0) target.push(nested);
        open.push(nested);
      } else if (brace === "}") open.pop();
      else if (quoted !== undefined) target.push(parse(quoted.replace(/\\(.)/gs, "$1")));
      else target.push(plain === "NULL" ? null : parse(plain ?? ""));
    }
    return result;
  };
}
