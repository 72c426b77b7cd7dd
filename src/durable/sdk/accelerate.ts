import { recordingScope } from "../scope.ts";

const nativeClone = globalThis.structuredClone;
const nativeStringify = JSON.stringify;

/**
 * Before each model call the SDK copies the whole conversation twice with `structuredClone`, and turns each item
 * into a text to compare it by. Both are slow, and make the cost of a run grow with the square of its length: of
 * the 2.2 s that 300 turns take, 1.6 s. While durable runs are executed, and inside of them only, both globals are
 * replaced by functions that give the same faster.
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

/** `JSON.stringify`, which remembers these texts. */
function stringifyFast(value: unknown, replacer?: unknown, space?: unknown): string {
  if (typeof replacer !== "function" || typeof value !== "object" || value === null || space !== undefined) {
    return stringifyNatively(value, replacer, space);
  }
  if (replacer !== itemReplacer) {
    if (replacer.name !== "agentInputSerializationReplacer") return stringifyNatively(value, replacer);
    itemReplacer = replacer;
  }
  let key = itemKeys.get(value);
  if (key === undefined) {
    key = stringifyNatively(value, replacer);
    if (recordingScope()) itemKeys.set(value, key);
  }
  return key;
}

// As loosely typed as what it replaces.
const stringifyNatively = nativeStringify as (value: unknown, replacer?: unknown, space?: unknown) => string;
