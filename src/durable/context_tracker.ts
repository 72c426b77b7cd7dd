import { ContextNotSerializableError } from "./errors.ts";
import type { JsonValue } from "../core/json_value.ts";

/** A place in a JSON value: keys and indexes from the root. */
type Path = (string | number)[];

/** One change: a value at a place, the place removed (no third element), or elements added to an array there. */
type Change = ["set", Path, JsonValue] | ["delete", Path] | ["append", Path, JsonValue[]];

/** What changed in a run context, to be applied in order. */
export type ContextPatch = Change[];

/** Something that has a context: the SDK's `RunContext`. */
export interface ContextHolder {
  context: unknown;
}

/**
 * Finds out what changes in a run context, and changes it again on replay. Looking at what is there after a step,
 * rather than intercepting writes, catches changes however they are made.
 */
export class ContextTracker {
  #text: string | undefined;
  #value: JsonValue | undefined;

  /** Begins with the context as it is now. */
  constructor(holder: ContextHolder) {
    this.#remember(serializeContext(holder.context));
  }

  /**
   * What has changed since the last call, if anything.
   *
   * @throws {ContextNotSerializableError} When the context holds what JSON cannot.
   */
  changes(holder: ContextHolder): ContextPatch | undefined {
    const text = serializeContext(holder.context);
    if (text === this.#text) return undefined;
    const before = this.#value;
    this.#remember(text);
    return text === undefined ? [["delete", []]] : [...difference(before, this.#value as JsonValue, [])];
  }

  /** Makes the same changes again. */
  apply(holder: ContextHolder, patch: ContextPatch): void {
    for (const change of patch) applyChange(holder, change);
    this.#remember(serializeContext(holder.context));
  }

  #remember(text: string | undefined): void {
    this.#text = text;
    this.#value = text === undefined ? undefined : JSON.parse(text);
  }
}

/** The context as JSON text; nothing when there is none. */
function serializeContext(context: unknown): string | undefined {
  assertSerializable(context);
  return JSON.stringify(context);
}

/**
 * Makes sure that a run context can be recorded.
 *
 * @throws {ContextNotSerializableError} When it holds what JSON cannot.
 */
export function assertSerializable(context: unknown): void {
  if (context !== undefined) assertJson(context, "context", new Set());
}

function assertJson(value: unknown, place: string, parents: Set<object>): void {
  if (value === null || typeof value === "string" || typeof value === "boolean") return;
  if (typeof value === "number" && Number.isFinite(value)) return;
  if (typeof value !== "object") {
    throw notSerializable(place, typeof value === "number" ? `${value}` : typeof value);
  }
  if (parents.has(value)) throw notSerializable(place, "an object that contains itself");
  const prototype = Object.getPrototypeOf(value);
  const isArray = Array.isArray(value);
  if (!isArray && prototype !== Object.prototype && prototype !== null) {
    throw notSerializable(place, `a ${prototype.constructor?.name ?? "class instance"}`);
  }
  parents.add(value);
  if (isArray) {
    for (let index = 0; index < value.length; index++) {
      assertJson(value[index], `${place}[${index}]`, parents);
    }
  } else {
    for (const [key, entry] of Object.entries(value)) {
      // An undefined property is as good as none, in JSON and to whoever reads it.
      if (entry !== undefined) assertJson(entry, `${place}.${key}`, parents);
    }
  }
  parents.delete(value);
}

function notSerializable(place: string, found: string): ContextNotSerializableError {
  return new ContextNotSerializableError(
    `Cannot record the run context: ${place} is ${found}, which JSON cannot hold, so it could not be restored when ` +
      `the run goes on in another process. Keep plain data in the context of a durable run.`,
  );
}

function* difference(before: JsonValue | undefined, after: JsonValue, path: Path): Generator<Change> {
  if (isObject(before) && isObject(after)) {
    for (const key of Object.keys(before)) if (!Object.hasOwn(after, key)) yield ["delete", [...path, key]];
    for (const [key, value] of Object.entries(after)) {
      const known = Object.hasOwn(before, key) ? before[key] : undefined;
      yield* difference(known, value, [...path, key]);
    }
  } else if (Array.isArray(before) && Array.isArray(after) && before.length <= after.length) {
    for (const [index, value] of before.entries()) {
      yield* difference(value, after[index] as JsonValue, [...path, index]);
    }
    if (after.length > before.length) yield ["append", path, after.slice(before.length)];
  } else if (before === undefined || JSON.stringify(before) !== JSON.stringify(after)) {
    yield ["set", path, after];
  }
}

function isObject(value: JsonValue | undefined): value is { [key: string]: JsonValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What is assigned has these. */
const ORDINARY = { writable: true, enumerable: true, configurable: true };

/** Changes the objects that are there in place: tools may hold on to them. */
function applyChange(holder: ContextHolder, change: Change): void {
  const [kind, path] = change;
  const key = path.at(-1);
  if (key === undefined) {
    if (kind === "append") (holder.context as unknown[]).push(...change[2]);
    else holder.context = kind === "set" ? change[2] : undefined;
    return;
  }
  // Both were found in a value of this shape: see difference().
  let parent = holder.context as Record<string | number, unknown>;
  for (const step of path.slice(0, -1)) parent = parent[step] as Record<string | number, unknown>;
  // Not by assigning it: `__proto__` is a key of JSON like others, and a model may have made it up.
  if (kind === "set") Object.defineProperty(parent, key, { value: change[2], ...ORDINARY });
  else if (kind === "delete") delete parent[key];
  else (parent[key] as unknown[]).push(...change[2]);
}
