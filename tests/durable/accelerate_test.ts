import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { Execution } from "../../src/durable/execution.ts";
import { runInScope, Scope } from "../../src/durable/scope.ts";
import { accelerateSdk } from "../../src/durable/sdk/accelerate.ts";
import { copyPlain, NOT_PLAIN } from "../../src/durable/sdk/copy_plain.ts";
import { isSame } from "../../src/durable/sdk/is_same.ts";
import { forgetTuples, tupleText } from "../../src/durable/sdk/tuple_texts.ts";

const inScope = <T>(body: () => T): T => runInScope(new Scope({} as Execution, "0."), body);

Deno.test("copyPlain() copies any data as structuredClone does", () => {
  const data = fc.anything({
    withBigInt: true,
    withNullPrototype: true,
    withSparseArray: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    withBoxedValues: true,
    maxDepth: 4,
  });
  fc.assert(fc.property(data, (value) => {
    const copy = copyPlain(value);
    if (copy === NOT_PLAIN) return;
    assertEquals(copy, structuredClone(value));
    assertNothingShared(value, copy);
  }));
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    if (JSON.stringify(value).includes('"__proto__"')) return;
    assert(copyPlain(value) !== NOT_PLAIN, "JSON is plain");
  }));
});

/** A change of the copy must not reach the original, at any depth. */
function assertNothingShared(value: unknown, copy: unknown): void {
  if (typeof value !== "object" || value === null) return;
  assert(value !== copy);
  for (const [key, entry] of Object.entries(value)) {
    assertNothingShared(entry, (copy as Record<string, unknown>)[key]);
  }
}

Deno.test("copyPlain() copies odd objects as structuredClone does, or leaves them to it", () => {
  const twice = { x: 1 };
  const loop: Record<string, unknown> = { a: {} };
  (loop.a as Record<string, unknown>).loop = loop;
  const extra = Object.assign([, 1], { extra: 1 });
  const left: unknown[] = [
    [twice, twice],
    { a: twice, b: [twice] },
    loop,
    extra,
    [, 1],
    Object.assign([1], { extra: 1 }),
    { [Symbol("s")]: 1, a: 1 },
    Array.from({ length: 200 }, () => ({})),
    { d: new Date(0) },
    new (class A {
      a = 1;
    })(),
  ];
  for (const value of left) assertStrictEquals(copyPlain(value), NOT_PLAIN);
  for (const refused of [() => {}, { f: () => {} }, [() => {}], Symbol("s"), { s: Symbol("s") }]) {
    assertStrictEquals(copyPlain(refused), NOT_PLAIN);
    assertThrows(() => structuredClone(refused));
  }
  let reads = 0;
  const copied: unknown[] = [
    Object.defineProperty({ a: 1 }, "hidden", { value: 1, enumerable: false }),
    {
      get read() {
        return { reads: ++reads };
      },
    },
    Object.freeze({ a: Object.freeze(["x"]) }),
    JSON.parse('{"__proto__": {"x": 1}, "a": {}}'),
    [undefined, null, -0, NaN, 7n],
  ];
  for (const value of copied) {
    reads = 0;
    const copy = copyPlain(value);
    const copyReads = reads;
    reads = 0;
    assertEquals(copy, structuredClone(value));
    assertEquals(copyReads, reads, "getters are called as often");
    assertEquals(Object.isFrozen(copy), false);
    assertEquals(Object.keys(copy as object), Object.keys(value as object));
  }
});

Deno.test("isSame() tells whether data and a copy of it have the same content", () => {
  const without = (value: unknown) => JSON.stringify(value).includes('"__proto__"');
  fc.assert(fc.property(fc.object(), fc.object(), fc.boolean(), (one, other, isCopy) => {
    if (without(one) || without(other)) return;
    const copy = copyPlain(isCopy ? one : other) as object;
    if (isCopy) return assertEquals(isSame(one, copy), true);
    let equal = true;
    try {
      assertEquals(one, copy);
    } catch {
      equal = false;
    }
    assertEquals(isSame(one, copy), equal);
  }));
  const item = () => ({
    type: "x",
    list: [{ a: 1 }, null],
    none: undefined as unknown,
    deep: { b: "c" },
    number: NaN,
  });
  const changes: ((value: ReturnType<typeof item> & Record<string, unknown>) => void)[] = [
    (value) => value.more = undefined,
    (value) => Reflect.deleteProperty(value, "none"),
    (value) => (Reflect.deleteProperty(value, "none"), value.other = undefined),
    (value) => value.list.push(null),
    (value) => value.list.reverse(),
    (value) => value.list = Object.assign({}, value.list),
    (value) =>
      value.deep = new (class {
        b = "c";
      })(),
    (value) => value.deep.b = "d",
    (value) => value.number = -0,
  ];
  for (const [index, change] of changes.entries()) {
    const [changed, copied] = [item(), item()];
    assertEquals(isSame(item(), copied), true);
    change(changed);
    change(copied);
    assertEquals(isSame(changed, item()), false, `the value is changed, ${index}`);
    assertEquals(isSame(item(), copied), false, `the copy is changed, ${index}`);
  }
});

Deno.test("copyPlain() takes no property from Object.prototype", () => {
  const value = { a: 1 };
  Object.defineProperty(Object.prototype, "shared", { value: {}, enumerable: true, configurable: true });
  try {
    assertStrictEquals(copyPlain(value), NOT_PLAIN);
  } finally {
    delete (Object.prototype as Record<string, unknown>).shared;
  }
  assertEquals(copyPlain(value), value);
});

Deno.test("accelerateSdk() copies, inside of a durable run, also what is not plain", () => {
  const twice = { x: 1 };
  const release = accelerateSdk();
  try {
    const copy = inScope(() => structuredClone({ a: twice, b: twice }));
    assertStrictEquals(copy.a, copy.b);
    assert(copy.a !== twice);
  } finally {
    release();
  }
});

Deno.test("tupleText() gives the text of an array whatever was asked for before it", () => {
  const word = fc.constantFrom("call", "result", "function_call", "c1", 'c"2', "ü\ud800", "");
  const tuple = fc.array(fc.oneof(word, fc.constantFrom(1, null, undefined)), { maxLength: 4 });
  forgetTuples();
  fc.assert(fc.property(fc.array(tuple, { maxLength: 30 }), (asked) => {
    for (const array of [...asked, ...asked]) {
      const text = inScope(() => tupleText(array, JSON.stringify));
      const isTuple = (array.length === 2 || array.length === 3) &&
        array.every((element) => typeof element === "string");
      assertEquals(text, isTuple ? JSON.stringify(array) : undefined);
    }
  }));
  inScope(() => tupleText(["call", "c1"], JSON.stringify));
  assertEquals(tupleText(["call", "c1"], JSON.stringify), '["call","c1"]', "remembered");
  forgetTuples();
  assertEquals(tupleText(["call", "c1"], JSON.stringify), undefined, "outside of a run nothing new is");
});
