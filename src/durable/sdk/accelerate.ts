import { recordingScope } from "../scope.ts";

const nativeClone = globalThis.structuredClone;
const nativeStringify = JSON.stringify;

/**
 * Before each model call the SDK copies the whole conversation twice with `structuredClone`, and turns each item
 * into texts to compare and name it by. All of that is slow, and makes the cost of a run grow with the square of its
 * length: of the 2.0 s that 300 turns take, 1.6 s. While durable runs are executed, and inside of them only, both
 * globals are replaced by functions that give the same faster.
 *
 * @returns Takes the acceleration back, unless others still need it.
 */
export function accelerateSdk(): () => void {
  if (users++ === 0) {
    globalThis.structuredClone = cloneFast;
    JSON.stringify = stringifyFast;
  }
  let done = false;
  return () => {
    if (done) return;
    done = true;
    if (--users > 0) return;
    // Somebody else may have replaced them meanwhile; ours do no harm then.
    if (globalThis.structuredClone === cloneFast) globalThis.structuredClone = nativeClone;
    if (JSON.stringify === stringifyFast) JSON.stringify = nativeStringify;
  };
}

let users = 0;

/** `structuredClone`, faster for plain data. */
const cloneFast = ((value: unknown, options?: unknown): unknown => {
  if (options === undefined && recordingScope()) {
    const copy = copyPlain(value, 0);
    if (copy !== NOT_PLAIN) return copy;
  }
  return Reflect.apply(nativeClone, undefined, [value, options]);
}) as typeof nativeClone; // Of plain data a copy has the same type.

/** Given instead of a copy: the value is something that only `structuredClone` itself can copy or refuse. */
const NOT_PLAIN = Symbol("not plain");

/** Deeper values may contain themselves. */
const MAX_DEPTH = 50;

function copyPlain(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null) {
    return typeof value === "function" || typeof value === "symbol" ? NOT_PLAIN : value;
  }
  if (depth > MAX_DEPTH) return NOT_PLAIN;
  if (Array.isArray(value)) return copyArray(value, depth);
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return NOT_PLAIN;
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const entry = copyPlain((value as Record<string, unknown>)[key], depth + 1);
    if (entry === NOT_PLAIN || key === "__proto__") return NOT_PLAIN;
    copy[key] = entry;
  }
  return copy;
}

function copyArray(array: unknown[], depth: number): unknown {
  if (Object.keys(array).length !== array.length) return NOT_PLAIN;
  const copy = new Array<unknown>(array.length);
  for (let index = 0; index < array.length; index++) {
    const element = copyPlain(array[index], depth + 1);
    if (element === NOT_PLAIN) return NOT_PLAIN;
    copy[index] = element;
  }
  return copy;
}

/** The texts by which the SDK compares the items of a conversation. It makes a new item rather than change one. */
const itemKeys = new WeakMap<object, string>();

/** What the SDK passes to `JSON.stringify` for these texts, and for nothing else. */
let itemReplacer: unknown;

/** `JSON.stringify`, which remembers these texts, and those that name a call or its result. */
function stringifyFast(value: unknown, replacer?: unknown, space?: unknown): string {
  if (typeof value !== "object" || value === null || space !== undefined) {
    return stringifyNatively(value, replacer, space);
  }
  if (replacer === undefined) {
    return (Array.isArray(value) ? tupleText(value) : undefined) ?? stringifyNatively(value);
  }
  if (replacer !== itemReplacer) {
    const isOfItems = typeof replacer === "function" && replacer.name === "agentInputSerializationReplacer";
    if (!isOfItems) return stringifyNatively(value, replacer);
    itemReplacer = replacer;
  }
  let key = itemKeys.get(value);
  if (key === undefined) {
    key = stringifyNatively(value, replacer);
    if (recordingScope()) itemKeys.set(value, key);
  }
  return key;
}

/** The text of an array of two or three strings; the last tells most of them apart. */
interface Tuple {
  readonly size: number;
  readonly first: string;
  readonly second: string;
  readonly text: string;
  /** Another array with the same last string. */
  readonly next: Tuple | undefined;
}

const tuples = new Map<string, Tuple>();

/** Enough for the conversations of a few runs; beyond it all is forgotten. */
const MAX_TUPLES = 20_000;

/** The JSON text of an array of two or three strings, as the SDK names calls by; nothing for other arrays. */
function tupleText(array: unknown[]): string | undefined {
  const size = array.length;
  if ((size !== 2 && size !== 3) || "toJSON" in array) return undefined;
  const [first, second] = array;
  const last = array[size - 1];
  if (typeof first !== "string" || typeof second !== "string" || typeof last !== "string") return undefined;
  const known = tuples.get(last);
  for (let tuple = known; tuple; tuple = tuple.next) {
    if (tuple.size === size && tuple.first === first && tuple.second === second) return tuple.text;
  }
  if (!recordingScope()) return undefined;
  const text = stringifyNatively(array);
  if (tuples.size >= MAX_TUPLES) tuples.clear();
  tuples.set(last, { size, first, second, text, next: known });
  return text;
}

// As loosely typed as what it replaces.
const stringifyNatively = nativeStringify as (value: unknown, replacer?: unknown, space?: unknown) => string;
