import { assertEquals, assertRejects } from "@std/assert";
import { parseCrontab } from "../../src/workflows/_schedule_firing.ts";
import { dueTicks } from "../../src/workflows/_schedule_ticks.ts";

const hourly = await parseCrontab("0 * * * *", "UTC");
const at = (time: string) => new Date(`2026-11-21T${time}Z`);
const times = (dates: readonly Date[]) => dates.map((date) => date.toISOString().slice(11, 19));

Deno.test("dueTicks() fires a tick when its time has come", () => {
  const due = dueTicks(hourly, at("06:00:00"), at("06:00:01"), "skip");
  assertEquals(times(due.fire), ["06:00:00"]);
  assertEquals(due.next, at("07:00:00"));
});

Deno.test("dueTicks() fires every tick that is not late", async () => {
  const everyFiveSeconds = await parseCrontab("*/5 * * * * *", "UTC");
  const due = dueTicks(everyFiveSeconds, at("06:00:00"), at("06:00:12"), "skip");
  assertEquals(times(due.fire), ["06:00:00", "06:00:05", "06:00:10"]);
  assertEquals(due.next, at("06:00:15"));
});

Deno.test("dueTicks() fires the last of the missed ticks when they are to be caught up once", () => {
  const due = dueTicks(hourly, at("01:00:00"), at("06:20:00"), "once");
  assertEquals(times(due.fire), ["06:00:00"]);
  assertEquals(due.next, at("07:00:00"));
});

Deno.test("dueTicks() fires no missed tick when they are to be skipped", () => {
  const due = dueTicks(hourly, at("01:00:00"), at("06:20:00"), "skip");
  assertEquals(due, { fire: [], next: at("07:00:00") });
});

Deno.test("dueTicks() fires only the tick that is due when others were missed", () => {
  for (const missed of ["once", "skip"] as const) {
    const due = dueTicks(hourly, at("01:00:00"), at("06:00:02"), missed);
    assertEquals(times(due.fire), ["06:00:00"]);
  }
});

Deno.test("dueTicks() catches up a schedule of long ago", async () => {
  const yearly = await parseCrontab("0 12 1 3 *", "UTC");
  const due = dueTicks(yearly, new Date("2019-03-01T12:00:00Z"), at("06:00:00"), "once");
  assertEquals(due.fire, [new Date("2026-03-01T12:00:00Z")]);
  assertEquals(due.next, new Date("2027-03-01T12:00:00Z"));
});

Deno.test("parseCrontab() keeps the local hour when the clocks change", async () => {
  const daily = await parseCrontab("30 8 * * *", "Europe/Berlin");
  const spring = daily.nextWakeupTime(new Date("2026-03-28T12:00:00Z"));
  const before = daily.nextWakeupTime(new Date("2026-03-27T12:00:00Z"));
  assertEquals([before, spring], [new Date("2026-03-28T07:30:00Z"), new Date("2026-03-29T06:30:00Z")]);
  const autumn = daily.nextWakeupTime(new Date("2026-10-24T12:00:00Z"));
  assertEquals(autumn, new Date("2026-10-25T07:30:00Z"));
});

Deno.test("parseCrontab() refuses what is no crontab or time zone", async () => {
  await assertRejects(() => parseCrontab("every day", "UTC"), RangeError, "every day");
  await assertRejects(() => parseCrontab("0 0 30 2 *", "UTC"), RangeError, "0 0 30 2 *");
  await assertRejects(() => parseCrontab("0 0 * * *", "Europe/Atlantis"), RangeError, "Europe/Atlantis");
});
