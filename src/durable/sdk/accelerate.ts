import { recordingScope } from "../scope.ts";
import { copyPlain, NOT_PLAIN } from "./copy_plain.ts";
import { KeptCopies } from "./kept_copies.ts";
import { OwnedInput } from "./owned_input.ts";
import { forgetTuples, tupleText } from "./tuple_texts.ts";
import { UntrackedInput } from "./untracked_input.ts";

const nativeClone = globalThis.structuredClone;
const nativeStringify = JSON.stringify;

/**
 * Before each model call the SDK copies the whole conversation twice with `structuredClone`, and turns each item
 * into texts to compare and name it by. All of that is slow, and makes the cost of a run grow with the square of its
 * length. While durable runs are executed, and inside of them only, both globals are replaced by functions that give
 * the same faster.
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
    forgetTuples();
    // Somebody else may have replaced them meanwhile; ours do no harm then.
    if (globalThis.structuredClone === cloneFast) globalThis.structuredClone = nativeClone;
    if (JSON.stringify === stringifyFast) JSON.stringify = nativeStringify;
  };
}

let users = 0;

/** Whether copies are made by this module now. */
export function isAccelerated(): boolean {
  return globalThis.structuredClone === cloneFast;
}

/** `structuredClone`, faster for plain data. */
const cloneFast = ((value: unknown, options?: unknown): unknown => {
  if (options === undefined) {
    const kept = isObject(value) ? KeptCopies.find(value) : undefined;
    if (kept) return kept;
    const scope = recordingScope();
    const copy = scope ? copyPlain(value) : NOT_PLAIN;
    if (copy !== NOT_PLAIN) {
      if (scope && isObject(value) && isObject(copy)) KeptCopies.keep(value, copy, scope);
      return copy;
    }
  }
  if (value instanceof UntrackedInput || value instanceof OwnedInput) return value.inState();
  return Reflect.apply(nativeClone, undefined, [value, options]);
}) as typeof nativeClone; // Of plain data a copy has the same type.

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
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
    return (Array.isArray(value) ? tupleText(value, stringifyNatively) : undefined) ??
      stringifyNatively(value);
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

// As loosely typed as what it replaces.
const stringifyNatively = nativeStringify as (value: unknown, replacer?: unknown, space?: unknown) => string;
