import { assert, assertEquals, assertRejects } from "@std/assert";
import { parseCrontab, ticksAhead } from "../../src/workflows/_schedule_ticks.ts";
import crontabs from "./crontabs.json" with { type: "json" };

const now = new Date("2026-11-21T06:00:01Z");
const hourly = await parseCrontab("0 * * * *", "UTC");
const everySecond = await parseCrontab("* * * * * *", "UTC");
const at = (time: string) => new Date(`2026-11-21T${time}Z`);

Deno.test("ticksAhead() begins after now and has no gap", () => {
  const ticks = ticksAhead(hourly, now);
  assertEquals(ticks.slice(0, 3), [at("07:00:00"), at("08:00:00"), at("09:00:00")]);
  assertEquals(ticks.length, 100);
});

Deno.test("ticksAhead() lasts ten minutes, and not longer than a year", async () => {
  assertEquals(ticksAhead(everySecond, now).at(-1), at("06:10:02"));
  const weekly = await parseCrontab("0 9 * * 1", "UTC");
  assertEquals(ticksAhead(weekly, now).length, 53);
});

Deno.test("ticksAhead() has two ticks at least", async () => {
  const leapDays = await parseCrontab("0 0 29 2 *", "UTC");
  assertEquals(ticksAhead(leapDays, now), [
    new Date("2028-02-29T00:00:00Z"),
    new Date("2032-02-29T00:00:00Z"),
  ]);
});

Deno.test("ticksAhead() begins with the tick that has not been fired yet", () => {
  assertEquals(ticksAhead(hourly, now, at("06:00:00")).slice(0, 2), [at("06:00:00"), at("07:00:00")]);
  assertEquals(ticksAhead(hourly, now, at("09:00:00"))[0], at("09:00:00"));
});

Deno.test("ticksAhead() begins with the last of the ticks that are long ago", async () => {
  assertEquals(ticksAhead(hourly, now, at("01:00:00"))[0], at("05:00:00"));
  const missed = ticksAhead(everySecond, now, new Date("2026-11-20T06:00:00Z"));
  assertEquals(missed.slice(0, 2), [at("05:58:00"), at("05:58:01")]);
  const yearly = await parseCrontab("0 12 1 3 *", "UTC");
  const years = ticksAhead(yearly, now, new Date("2019-03-01T12:00:00Z"));
  assertEquals(years.slice(0, 2), [new Date("2026-03-01T12:00:00Z"), new Date("2027-03-01T12:00:00Z")]);
});

Deno.test("ticksAhead() keeps the local hour when the clocks change", async () => {
  const daily = await parseCrontab("30 8 * * *", "Europe/Berlin");
  const times = ticksAhead(daily, new Date("2026-10-23T12:00:00Z")).map((tick) => tick.toISOString());
  assertEquals(times.slice(0, 2), ["2026-10-24T06:30:00.000Z", "2026-10-25T07:30:00.000Z"]);
  assert(times.includes("2027-01-28T07:30:00.000Z"));
});

Deno.test("parseCrontab() reads crontabs as Python does", async () => {
  for (const { crontab, timezone, after, ticks } of crontabs) {
    const read: string[] = [];
    const parsed = await parseCrontab(crontab, timezone).catch(() => null);
    for (let tick = new Date(after); parsed && read.length < 5;) {
      tick = parsed.nextWakeupTime(tick);
      read.push(tick.toISOString().replace(".000Z", "Z"));
    }
    assertEquals(parsed && read, ticks, `${crontab} in ${timezone}`);
  }
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
