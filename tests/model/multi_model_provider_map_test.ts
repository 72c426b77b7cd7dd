import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import type { ModelProvider } from "@openai/agents";
import { MultiModelProviderMap, OllamaModelProvider } from "@timestep-ai/timestep";

Deno.test("MultiModelProviderMap gives each prefix its provider, the last one added", () => {
  const map = new MultiModelProviderMap();
  const [first, second, other] = [provider(), provider(), provider()];
  map.addProvider("a", first);
  map.addProvider("b", other);
  map.addProvider("a", second);
  assertStrictEquals(map.getProvider("a"), second);
  assertStrictEquals(map.getProvider("b"), other);
  assertEquals(map.getProvider("c"), undefined);
  assertEquals([map.hasPrefix("a"), map.hasPrefix("c")], [true, false]);
});

Deno.test("MultiModelProviderMap.removeProvider() forgets a prefix, and does nothing when there is none", () => {
  const map = new MultiModelProviderMap();
  map.addProvider("a", provider());
  map.removeProvider("a");
  map.removeProvider("a");
  assertEquals(map.hasPrefix("a"), false);
});

Deno.test("MultiModelProviderMap.getMapping() gives a copy", () => {
  const map = new MultiModelProviderMap();
  const mine = provider();
  map.addProvider("a", mine);
  const mapping = map.getMapping();
  assertEquals([...mapping], [["a", mine]]);
  mapping.clear();
  assertEquals(map.hasPrefix("a"), true);
});

Deno.test("MultiModelProviderMap.setMapping() replaces everything by a copy", () => {
  const map = new MultiModelProviderMap();
  map.addProvider("old", provider());
  const mapping = new Map([["new", provider()]]);
  map.setMapping(mapping);
  mapping.clear();
  assertEquals([...map.getMapping().keys()], ["new"]);
});

Deno.test("MultiModelProviderMap refuses a prefix that no name can have and what is no provider, and stays as it was", () => {
  const map = new MultiModelProviderMap();
  const mine = provider();
  map.addProvider("a", mine);
  for (const prefix of ["", "/", "a/b"]) {
    assertThrows(() => map.addProvider(prefix, provider()), RangeError, JSON.stringify(prefix));
    assertThrows(() => map.setMapping([["new", provider()], [prefix, provider()]]), RangeError);
  }
  const noProvider = JSON.parse("{}");
  assertThrows(() => map.addProvider("b", noProvider), TypeError, '"b" has no getModel()');
  assertThrows(() => map.setMapping([["new", provider()], ["b", noProvider]]), TypeError);
  assertEquals([...map.getMapping()], [["a", mine]]);
});

function provider(): ModelProvider {
  return new OllamaModelProvider();
}
