import { assertEquals } from "@std/assert";
import type { Database } from "../../mod.ts";
import { testDatabases } from "../_databases.ts";

const HOURLY = ["01:00:00", "02:00:00", "03:00:00", "04:00:00"];
const EVERY_FIVE_SECONDS = ["06:00:00", "06:00:05", "06:00:10", "06:00:15"];
const EVERY_SECOND = Array.from({ length: 90 }, (_, second) => clock(6 * 3600 + second));

interface Case {
  name: string;
  ticks: string[];
  /** Default: the first. */
  next?: string;
  now: string;
  missed: "once" | "skip";
  late?: string;
  fire: string[];
  following: string;
}

const CASES: Case[] = [
  {
    name: "fires a tick when its time has come",
    ticks: HOURLY,
    now: "01:00:01",
    missed: "skip",
    fire: ["01:00:00"],
    following: "02:00:00",
  },
  {
    name: "fires nothing before",
    ticks: HOURLY,
    now: "00:59:59",
    missed: "once",
    fire: [],
    following: "01:00:00",
  },
  {
    name: "fires no tick again",
    ticks: HOURLY,
    next: "02:00:00",
    now: "01:00:02",
    missed: "once",
    fire: [],
    following: "02:00:00",
  },
  {
    name: "fires every tick that is not late",
    ticks: EVERY_FIVE_SECONDS,
    now: "06:00:12",
    missed: "skip",
    fire: ["06:00:00", "06:00:05", "06:00:10"],
    following: "06:00:15",
  },
  {
    name: "fires the last of the missed ticks when they are to be caught up once",
    ticks: HOURLY,
    now: "03:20:00",
    missed: "once",
    fire: ["03:00:00"],
    following: "04:00:00",
  },
  {
    name: "fires no missed tick when they are to be skipped",
    ticks: HOURLY,
    now: "03:20:00",
    missed: "skip",
    fire: [],
    following: "04:00:00",
  },
  {
    name: "takes the word of who looks seldom for what is late",
    ticks: HOURLY,
    now: "01:01:00",
    missed: "skip",
    late: "90 seconds",
    fire: ["01:00:00"],
    following: "02:00:00",
  },
  {
    name: "fires only the tick that is due when others were missed",
    ticks: HOURLY,
    now: "03:00:02",
    missed: "once",
    fire: ["03:00:00"],
    following: "04:00:00",
  },
  {
    name: "fires no more than 60 at once",
    ticks: EVERY_SECOND,
    now: "06:01:20",
    missed: "once",
    late: "90 seconds",
    fire: EVERY_SECOND.slice(21, 81),
    following: "06:01:21",
  },
  {
    name: "waits for what comes after the last tick that is known",
    ticks: HOURLY,
    next: "04:00:00",
    now: "04:00:01",
    missed: "once",
    fire: [],
    following: "04:00:00",
  },
  {
    name: "fires what is not late of the last ticks that are known",
    ticks: EVERY_FIVE_SECONDS,
    now: "06:00:16",
    missed: "once",
    fire: ["06:00:00", "06:00:05", "06:00:10"],
    following: "06:00:15",
  },
  {
    name: "leaves what was missed to who knows the last of it",
    ticks: HOURLY,
    next: "02:00:00",
    now: "09:00:00",
    missed: "once",
    fire: [],
    following: "02:00:00",
  },
];

for (const target of testDatabases()) {
  Deno.test(`timestep.due_ticks() [${target.engine}]`, async (test) => {
    await using fresh = await target.create();
    for (const { name, ...given } of CASES) {
      await test.step(name, async () => assertEquals(await decide(fresh.database, given), expected(given)));
    }
  });
}

async function decide(database: Database, given: Omit<Case, "name">): Promise<unknown> {
  const [row] = await database.query(
    `select array(select to_char(t at time zone 'UTC', 'HH24:MI:SS') from unnest(fire) as t) as fire,
       to_char(following at time zone 'UTC', 'HH24:MI:SS') as following
     from timestep.due_ticks($1::text[]::timestamptz[], $2::text::timestamptz, $3::text::timestamptz,
       $4::text::interval, $5)`,
    [
      given.ticks.map(stamp),
      stamp(given.next ?? given.ticks[0] ?? ""),
      stamp(given.now),
      given.late ?? "30 seconds",
      given.missed,
    ],
  );
  return row;
}

function expected({ fire, following }: Omit<Case, "name">) {
  return { fire, following };
}

function stamp(time: string): string {
  return `2026-11-21T${time}Z`;
}

/** The time of a second of the day. */
function clock(second: number): string {
  return new Date(second * 1000).toISOString().slice(11, 19);
}
