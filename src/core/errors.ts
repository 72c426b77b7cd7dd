/**
 * The base of every error that callers of this module are meant to catch.
 *
 * A caller's mistake (a wrong type, a number out of range) is a `TypeError` or
 * a `RangeError` instead, and errors of the Agents SDK pass through unchanged.
 */
export abstract class TimestepError extends Error {
  /** A stable, lower-case identifier of the condition, for programs to compare. */
  abstract readonly code: string;

  /** The class's own name, also after minification. */
  abstract override readonly name: string;
}
