import { assertEquals } from "@std/assert";
import { retryAfterMs } from "../../src/durable/run_error.ts";

Deno.test("retryAfterMs() reads what providers say, and waits a day at most", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  const wait = (headers: Record<string, string>, status = 429) =>
    retryAfterMs(
      new Error("Failed", { cause: Object.assign(new Error("Limited"), { status, headers }) }),
      now,
    );
  assertEquals(wait({ "retry-after": "7" }), 7000);
  assertEquals(wait({ "retry-after": "0.5" }), 500);
  assertEquals(wait({ "retry-after": "7", "retry-after-ms": "300" }), 300);
  assertEquals(wait({ "retry-after": "Thu, 01 Jan 2026 00:01:00 GMT" }), 60_000);
  assertEquals(wait({ "retry-after": "Wed, 31 Dec 2025 00:00:00 GMT" }), 0);
  assertEquals(wait({ "retry-after": "99999999999999999999" }), 86_400_000);
  assertEquals(wait({ "retry-after-ms": "1e400" }), 86_400_000);
  assertEquals(wait({ "retry-after": "soon" }), undefined);
  assertEquals(wait({}), undefined);
  assertEquals(wait({ "retry-after": "7" }, 500), undefined);
});
