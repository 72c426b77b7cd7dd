import { recordingScope } from "../scope.ts";

/** An array of two or three strings, and its JSON text. */
interface Tuple {
  readonly size: number;
  readonly first: unknown;
  readonly second: unknown;
  readonly last: unknown;
  readonly text: string;
  /** Another one with the same last string. */
  readonly alike: Tuple | undefined;
  /** What was asked for after it the last time, and the time before. */
  next: Tuple | undefined;
  nextBefore: Tuple | undefined;
}

/** By their last string, which tells most of them apart. */
const tuples = new Map<string, Tuple>();

/** The one that was asked for last: the SDK goes through a conversation in the same order again and again. */
let latest: Tuple | undefined;

/** Enough for the conversations of a few runs; beyond it all is forgotten. */
const MAX_TUPLES = 20_000;

/**
 * The JSON text of an array of two or three strings, as the SDK names calls by; nothing for other arrays. Texts are
 * remembered inside of a durable run.
 *
 * @param stringify Gives a text that is not remembered.
 */
export function tupleText(
  array: readonly unknown[],
  stringify: (value: unknown) => string,
): string | undefined {
  const size = array.length;
  if ((size !== 2 && size !== 3) || "toJSON" in array) return undefined;
  const first = array[0];
  const second = array[1];
  const last = array[size - 1];
  if (latest) {
    const { next, nextBefore } = latest;
    if (next && isTuple(next, size, first, second, last)) return (latest = next).text;
    if (nextBefore && isTuple(nextBefore, size, first, second, last)) return (latest = nextBefore).text;
  }
  if (typeof first !== "string" || typeof second !== "string" || typeof last !== "string") return undefined;
  const alike = tuples.get(last);
  let tuple = alike;
  while (tuple && !isTuple(tuple, size, first, second, last)) tuple = tuple.alike;
  if (!tuple) {
    if (!recordingScope()) return undefined;
    if (tuples.size >= MAX_TUPLES) forgetTuples();
    const text = stringify(array);
    tuple = { size, first, second, last, text, alike, next: undefined, nextBefore: undefined };
    tuples.set(last, tuple);
  }
  if (latest) {
    latest.nextBefore = latest.next;
    latest.next = tuple;
  }
  latest = tuple;
  return tuple.text;
}

function isTuple(tuple: Tuple, size: number, first: unknown, second: unknown, last: unknown): boolean {
  return tuple.last === last && tuple.first === first && tuple.second === second && tuple.size === size;
}

/** Forgets the texts. */
export function forgetTuples(): void {
  tuples.clear();
  latest = undefined;
}
