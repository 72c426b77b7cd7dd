import { assertThrows } from "@std/assert";
import { assertStorableName } from "../../src/database/storable_name.ts";

Deno.test("assertStorableName() takes every name that can be stored", () => {
  for (
    const name of ["a", " a ", "'; drop table runs; --", "a/b?c=d#e%f", "ünï💥", "null", "é".repeat(500)]
  ) {
    assertStorableName("sessionId", name);
  }
});

Deno.test("assertStorableName() refuses names that cannot be stored, or not be told apart", () => {
  for (const name of ["", " ", "\t\n", "a\0b", "\ud800", "a\udc00"]) {
    assertThrows(
      () => assertStorableName("sessionId", name),
      TypeError,
      `the sessionId ${JSON.stringify(name)}`,
    );
  }
});

Deno.test("assertStorableName() refuses what is no text", () => {
  for (const name of [42, null, undefined, {}]) {
    assertThrows(() => assertStorableName("sessionId", name), TypeError, `the sessionId ${name}`);
  }
});

Deno.test("assertStorableName() refuses names that do not fit into an index", () => {
  assertThrows(() => assertStorableName("sessionId", "é".repeat(501)), TypeError, "1002 bytes");
});
