import { assertEquals } from "@std/assert";
import { testDatabases } from "../_databases.ts";

// Takes the rows in the given order, the second one when another statement has its first one.
const SCHEMA = `
create table public.rows (id integer primary key, changes integer not null default 0);
insert into public.rows values (1), (2);
create sequence public.attempts;
create function public.change(first integer, second integer) returns void language plpgsql as $$
begin
  set local deadlock_timeout = '10ms';
  update public.rows set changes = changes + 1 where id = first;
  perform nextval('public.attempts');
  while (select last_value < 2 from public.attempts) loop
    perform pg_sleep(0.01);
  end loop;
  update public.rows set changes = changes + 1 where id = second;
end
$$;`;

for (const { create } of testDatabases().filter(({ engine }) => engine === "postgres")) {
  Deno.test("query() does a statement again that was rolled back to end a deadlock", async () => {
    await using fresh = await create();
    const { database } = fresh;
    await database.script(SCHEMA);
    await Promise.all([
      database.query("select public.change(1, 2)"),
      database.query("select public.change(2, 1)"),
    ]);
    const rows = await database.query("select changes from public.rows order by id");
    assertEquals(rows, [{ changes: 2 }, { changes: 2 }]);
    assertEquals(await database.query("select last_value as attempts from public.attempts"), [{
      attempts: 3,
    }]);
  });
}
