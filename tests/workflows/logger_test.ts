import { assertEquals } from "@std/assert";
import { isNews } from "../../src/workflows/_logger.ts";

Deno.test("isNews() says the same once a minute", () => {
  assertEquals([isNews("away", 0), isNews("away", 59_999), isNews("another", 59_999)], [true, false, true]);
  assertEquals([isNews("away", 60_000), isNews("another", 60_000)], [true, false]);
});
