/**
 * A local stand-in for `jsr:@std/assert`, so that the tests run without a
 * network. Delete the `links` entry of `deno.json` and the real one is used.
 *
 * @module
 */
import assertModule, { AssertionError } from "node:assert";

/** What is used of Node's assertions; typed here because their own types differ with what else is imported. */
interface Strict {
  deepEqual(actual: unknown, expected: unknown, message?: string): void;
  notDeepEqual(actual: unknown, expected: unknown, message?: string): void;
  equal(actual: unknown, expected: unknown, message?: string): void;
  match(actual: string, expected: RegExp, message?: string): void;
}
const strict: Strict = assertModule.strict as Strict;

export { AssertionError };

/** Fails unless `value` is truthy. */
export function assert(value: unknown, message = ""): asserts value {
  if (!value) {
    throw new AssertionError({ message: message || `Expected a truthy value: got ${String(value)}` });
  }
}

/** Fails unless the two are deeply and strictly equal. */
export function assertEquals<T>(actual: T, expected: T, message?: string): void {
  strict.deepEqual(actual, expected, message);
}

/** Fails when the two are deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, message?: string): void {
  strict.notDeepEqual(actual, expected, message);
}

/** Fails unless the two are the same value. */
export function assertStrictEquals<T>(actual: unknown, expected: T, message?: string): asserts actual is T {
  strict.equal(actual, expected, message);
}

/** Fails when the value is null or undefined. */
export function assertExists<T>(actual: T, message?: string): asserts actual is NonNullable<T> {
  if (actual === null || actual === undefined) {
    throw new AssertionError({ message: message ?? `Expected a value: got ${String(actual)}` });
  }
}

/** Fails unless `actual` contains `expected`. */
export function assertStringIncludes(actual: string, expected: string, message?: string): void {
  if (!actual.includes(expected)) {
    throw new AssertionError({ message: message ?? `Expected "${actual}" to include "${expected}"` });
  }
}

/** Fails unless `actual` matches. */
export function assertMatch(actual: string, expected: RegExp, message?: string): void {
  strict.match(actual, expected, message);
}

/** Fails unless `actual` is an instance of `type`. */
// deno-lint-ignore no-explicit-any -- a constructor of any arguments, as in the real package
export function assertInstanceOf<T extends abstract new (...args: any[]) => any>(
  actual: unknown,
  type: T,
  message?: string,
): asserts actual is InstanceType<T> {
  if (!(actual instanceof type)) {
    const found = actual instanceof Error ? `${actual.name}: ${actual.message}` : String(actual);
    throw new AssertionError({ message: message ?? `Expected an instance of ${type.name}: got ${found}` });
  }
}

// deno-lint-ignore no-explicit-any -- a constructor of any arguments, as in the real package
type ErrorClass<E extends Error> = abstract new (...args: any[]) => E;

function check<E extends Error>(error: unknown, type?: ErrorClass<E>, includes?: string): E {
  if (type) assertInstanceOf(error, type);
  if (includes !== undefined) assertStringIncludes((error as Error).message, includes);
  return error as E;
}

/** Fails unless `body` throws; returns what it threw. */
export function assertThrows<E extends Error = Error>(
  body: () => unknown,
  type?: ErrorClass<E>,
  includes?: string,
): E {
  try {
    body();
  } catch (error) {
    return check(error, type, includes);
  }
  throw new AssertionError({ message: "Expected the function to throw" });
}

/** Fails unless `body` rejects; returns what it rejected with. */
export async function assertRejects<E extends Error = Error>(
  body: () => PromiseLike<unknown>,
  type?: ErrorClass<E>,
  includes?: string,
): Promise<E> {
  try {
    await body();
  } catch (error) {
    return check(error, type, includes);
  }
  throw new AssertionError({ message: "Expected the promise to reject" });
}

/** Fails always. */
export function fail(message?: string): never {
  throw new AssertionError({ message: message ?? "Failed" });
}
