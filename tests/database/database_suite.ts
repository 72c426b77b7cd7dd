import { assert, assertEquals, assertRejects } from "@std/assert";
import { DatabaseError, openDatabase, StatementError } from "@timestep-ai/timestep";
import type { TestDatabase } from "../_databases.ts";

/** What every `Database` has to do, as tests of one engine. */
export function databaseSuite(target: TestDatabase): void {
  values(target);
  statements(target);
  transactions(target);
  sharing(target);
}

/** A value that is sent, the type it is sent as, and what comes back. */
type Trip = [type: string, sent: Parameters<typeof JSON.stringify>[0], back: unknown];

const at = new Date("2026-11-21T08:00:00.123Z");
const bytes = new Uint8Array([0, 1, 127, 128, 255]);
const odd = `"quotes", {braces}, back\\slash, comma, 'apostrophe',\nline, NULL, é, 🦀`;

const trips: Trip[] = [
  ["int2", 7, 7],
  ["int4", -2147483648, -2147483648],
  ["int8", Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  ["int8", 12n, 12],
  ["float8", 0.1, 0.1],
  ["numeric", "1.50", "1.50"],
  ["bool", true, true],
  ["bool", false, false],
  ["text", odd, odd],
  ["text", "", ""],
  ["text", "true", "true"],
  ["text", null, null],
  ["timestamptz", at, at],
  ["date", "2026-11-21", "2026-11-21"],
  ["timestamp", "2026-11-21 08:00:00", "2026-11-21 08:00:00"],
  ["bytea", bytes, bytes],
  ["bytea", new Uint8Array(), new Uint8Array()],
  ["json", '{"b":1,"a":[null,"\\u0000"]}', { b: 1, a: [null, "\0"] }],
  ["jsonb", '{"a":[1,2.5,"x"]}', { a: [1, 2.5, "x"] }],
  ["json", '"text"', "text"],
  ["text[]", [odd, "", "NULL", " spaced "], [odd, "", "NULL", " spaced "]],
  ["text[]", [], []],
  ["int4[]", ["1", "2"], [1, 2]],
  ["int8[]", ["1", "2"], [1, 2]],
  ["uuid", "6ecd8c99-4036-403d-bf84-cf8400f67836", "6ecd8c99-4036-403d-bf84-cf8400f67836"],
];

function values(target: TestDatabase): void {
  Deno.test(`query() gives back what was sent, for every type [${target.engine}]`, async () => {
    await using fresh = await target.create();
    for (const [type, sent, back] of trips) {
      const [row] = await fresh.database.query(`select $1::${type} as value`, [sent]);
      assertEquals(row, { value: back }, type);
      const [viaText] = await fresh.database.query(`select ($1::text)::${type} as value`, [sent]);
      assertEquals(viaText, { value: back }, `${type} by way of text`);
    }
  });

  Deno.test(`query() reads arrays with nulls and dimensions [${target.engine}]`, async () => {
    await using fresh = await target.create();
    const [row] = await fresh.database.query(
      `select array['a', null, 'NULL'] as one, array[['a','b'],['c','}"']] as two, array[]::text[] as none,
      array[true, false] as flags, array[1.5, 2.5]::float8[] as floats, null::text[] as absent`,
    );
    assertEquals(row, {
      one: ["a", null, "NULL"],
      two: [["a", "b"], ["c", '}"']],
      none: [],
      flags: [true, false],
      floats: [1.5, 2.5],
      absent: null,
    });
  });

  Deno.test(`query() rejects with RangeError when an int8 is beyond 2^53 [${target.engine}]`, async () => {
    await using fresh = await target.create();
    await assertRejects(
      () => fresh.database.query("select 9007199254740993 as big"),
      RangeError,
      "9007199254740993",
    );
    assertEquals(await fresh.database.query("select 9007199254740993::text as big"), [{
      big: "9007199254740993",
    }]);
  });

  Deno.test(`query() carries a text of 5 MB [${target.engine}]`, async () => {
    await using fresh = await target.create();
    const long = "äöü🦀x".repeat(500_000);
    const [row] = await fresh.database.query("select $1::text as text, $2::text::json as json", [
      long,
      JSON.stringify(long),
    ]);
    assert(row?.["text"] === long);
    assert(row["json"] === long);
  });

  Deno.test(`query() rejects a NUL byte and keeps working [${target.engine}]`, async () => {
    await using fresh = await target.create();
    await assertRejects(() => fresh.database.query("select $1::text", ["a\0b"]), StatementError);
    assertEquals(await fresh.database.query("select 1 as one"), [{ one: 1 }]);
  });

  Deno.test(`query() rejects with TypeError when a parameter is of no known type [${target.engine}]`, async () => {
    await using fresh = await target.create();
    for (const parameter of [undefined, { a: 1 }, Symbol("x"), () => 1, [1, 2]]) {
      // @ts-expect-error -- what a caller without types might send
      await assertRejects(() => fresh.database.query("select $1::text", [parameter]), TypeError, "parameter");
    }
  });
}

function statements(target: TestDatabase): void {
  Deno.test(`query() rejects with StatementError when the database refuses [${target.engine}]`, async () => {
    await using fresh = await target.create();
    const insert = "insert into timestep.sessions (session_id, next_position) values ($1, $2)";
    const violated = await assertRejects(
      () => fresh.database.query(insert, ["secret words", -1]),
      StatementError,
    );
    assertEquals([violated.code, violated.sqlState, violated.constraint], [
      "statement_failed",
      "23514",
      "sessions_next_position_is_not_negative",
    ]);
    const shown = Deno.inspect(violated, { depth: 9, showHidden: true });
    assert(!shown.includes("secret words"), shown);
    const unknown = await assertRejects(() => fresh.database.query("select * from nowhere"), StatementError);
    assertEquals([unknown.sqlState, unknown.constraint], ["42P01", null]);
  });

  Deno.test(`query() refuses two statements in one [${target.engine}]`, async () => {
    await using fresh = await target.create();
    const error = await assertRejects(() => fresh.database.query("select 1; select 2"), StatementError);
    assertEquals(error.sqlState, "42601");
  });

  Deno.test(`query() runs many statements at once [${target.engine}]`, async () => {
    await using fresh = await target.create();
    const numbers = Array.from({ length: 300 }, (_, i) => i);
    const rows = await Promise.all(numbers.map((i) => fresh.database.query("select $1::int as i", [i])));
    assertEquals(rows.flat().map((row) => row["i"]), numbers);
  });

  Deno.test(`query() inserts many rows in one statement [${target.engine}]`, async () => {
    await using fresh = await target.create();
    const ids = Array.from({ length: 1_000 }, (_, i) => `id "${i}", {}`);
    await fresh.database.query("insert into timestep.sessions (session_id) select unnest($1::text[])", [ids]);
    const rows = await fresh.database.query(
      "select session_id from timestep.sessions order by length(session_id), 1",
    );
    assertEquals(rows.map((row) => row["session_id"]), ids);
  });

  Deno.test(`script() runs all of its statements or none [${target.engine}]`, async () => {
    await using fresh = await target.create();
    await fresh.database.script("create table a (x int); insert into a values (1), (2);");
    await assertRejects(
      () => fresh.database.script("insert into a values (3); select nonsense;"),
      StatementError,
    );
    assertEquals(await fresh.database.query("select x from a order by x"), [{ x: 1 }, { x: 2 }]);
  });
}

function transactions(target: TestDatabase): void {
  const count = "select count(*) as n from timestep.sessions";
  const insert = "insert into timestep.sessions (session_id) values ($1)";

  Deno.test(`transaction() commits and returns what its body does [${target.engine}]`, async () => {
    await using fresh = await target.create();
    const returned = await fresh.database.transaction(async (transaction) => {
      await transaction.query(insert, ["a"]);
      await transaction.script(`insert into timestep.sessions (session_id) values ('b'), ('c')`);
      return await transaction.query(count);
    });
    assertEquals(returned, [{ n: 3 }]);
    assertEquals(await fresh.database.query(count), [{ n: 3 }]);
  });

  Deno.test(`transaction() rolls back when its body rejects, with the same error [${target.engine}]`, async () => {
    await using fresh = await target.create();
    const thrown = Object.assign(new Error("Stop"), { code: "ECONNRESET" });
    const error = await assertRejects(() =>
      fresh.database.transaction(async (transaction) => {
        await transaction.query(insert, ["a"]);
        throw thrown;
      })
    );
    assert(error === thrown);
    assertEquals(await fresh.database.query(count), [{ n: 0 }]);
  });

  Deno.test(`transaction() rolls back when the error of a statement was caught [${target.engine}]`, async () => {
    await using fresh = await target.create();
    const error = await assertRejects(
      () =>
        fresh.database.transaction(async (transaction) => {
          await transaction.query(insert, ["a"]);
          await transaction.query("select nonsense").catch(() => {});
        }),
      StatementError,
    );
    assertEquals(error.sqlState, "42703");
    assertEquals(await fresh.database.query(count), [{ n: 0 }]);
  });

  Deno.test(`transaction() refuses a statement after its end [${target.engine}]`, async () => {
    await using fresh = await target.create();
    const late = await fresh.database.transaction((transaction) => Promise.resolve({ transaction }));
    const error = await assertRejects(() => late.transaction.query("select 1"), DatabaseError);
    assertEquals(error.code, "closed");
  });

  Deno.test(`transaction() keeps others' statements out [${target.engine}]`, async () => {
    await using fresh = await target.create();
    const seen = fresh.database.transaction(async (transaction) => {
      await transaction.query(insert, ["a"]);
      const outside = fresh.database.query(count);
      // On PGlite the statement waits for the transaction; on Postgres it does not see it.
      if (target.engine === "postgres") assertEquals(await outside, [{ n: 0 }]);
      return { outside };
    });
    const [row] = await (await seen).outside;
    assertEquals(row, { n: target.engine === "postgres" ? 0 : 1 });
  });

  Deno.test(`transaction() serialises writers of one row [${target.engine}]`, async () => {
    await using fresh = await target.create();
    await fresh.database.query(insert, ["a"]);
    await Promise.all(Array.from({ length: 20 }, () =>
      fresh.database.transaction(async (transaction) => {
        const [row] = await transaction.query(
          "select next_position as n from timestep.sessions where session_id = 'a' for update",
        );
        await transaction.query("update timestep.sessions set next_position = $1", [Number(row?.["n"]) + 1]);
      })));
    assertEquals(await fresh.database.query("select next_position as n from timestep.sessions"), [{ n: 20 }]);
  });
}

function sharing(target: TestDatabase): void {
  Deno.test(`close() leaves the database open for others of the process [${target.engine}]`, async () => {
    await using fresh = await target.create();
    const { connectionString } = fresh;
    const [one, two] = await Promise.all([
      openDatabase({ connectionString }),
      openDatabase({ connectionString }),
    ]);
    await one.close();
    await one.close();
    assertEquals(await two.query("select 1 as one"), [{ one: 1 }]);
    assertEquals(await fresh.database.query("select 1 as one"), [{ one: 1 }]);
    const error = await assertRejects(() => one.query("select 1"), DatabaseError);
    assertEquals(error.code, "closed");
    await two.close();
  });

  Deno.test(`close() waits for statements under way [${target.engine}]`, async () => {
    await using fresh = await target.create();
    const insert = "insert into timestep.sessions (session_id) values ($1)";
    const writes = Array.from({ length: 50 }, (_, i) => fresh.database.query(insert, [`${i}`]));
    await fresh.database.close();
    await Promise.all(writes);
    await using again = await openAgain(fresh.connectionString);
    assertEquals(await again.database.query("select count(*) as n from timestep.sessions"), [{ n: 50 }]);
  });

  Deno.test(`openDatabase() opens again while the last close() is under way [${target.engine}]`, async () => {
    await using fresh = await target.create();
    for (let i = 0; i < 3; i++) {
      const closing = fresh.database.close();
      await using again = await openAgain(fresh.connectionString);
      assertEquals(await again.database.query("select 1 as one"), [{ one: 1 }]);
      await closing;
    }
  });
}

async function openAgain(connectionString: string) {
  const database = await openDatabase({ connectionString });
  return { database, [Symbol.asyncDispose]: () => database.close() };
}
