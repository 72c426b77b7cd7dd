import { assert, assertEquals, assertRejects } from "@std/assert";
import { DatabaseError, openDatabase } from "@timestep-ai/timestep";
import { findPostgresPrograms, type PostgresServer, startPostgres } from "../_postgres.ts";

const ignore = findPostgresPrograms() === null;

async function withServer(body: (server: PostgresServer) => Promise<void>): Promise<void> {
  const server = await startPostgres();
  try {
    await body(server);
  } finally {
    await server.stop();
  }
}

Deno.test({ name: "query() works again after the server was restarted", ignore }, async () => {
  await withServer(async (server) => {
    const database = await openDatabase({ connectionString: server.uri });
    for (const mode of ["fast", "immediate"] as const) {
      // Several connections, all of which the restart breaks.
      await Promise.all(Array.from({ length: 5 }, () => database.query("select pg_sleep(0.05)")));
      await server.restart(mode);
      assertEquals(await database.query("select 1 as one"), [{ one: 1 }]);
      assertEquals(await database.transaction((inner) => inner.query("select 2 as two")), [{ two: 2 }]);
    }
    await database.close();
  });
});

Deno.test({ name: "query() waits for a server that is away for a moment", ignore }, async () => {
  await withServer(async (server) => {
    const database = await openDatabase({ connectionString: server.uri });
    await server.halt();
    const query = database.query("select 1 as one");
    const transaction = database.transaction((inner) => inner.query("select 2 as two"));
    await server.start();
    assertEquals([await query, await transaction], [[{ one: 1 }], [{ two: 2 }]]);
    await database.close();
  });
});

Deno.test(
  { name: "a statement under way when its connection breaks runs at most once", ignore },
  async () => {
    await withServer(async (server) => {
      const database = await openDatabase({ connectionString: server.uri });
      const other = await openDatabase({ connectionString: `${server.uri}?n=2` });
      await database.script("create table marks (name text)");
      const cut = () =>
        other.query(
          "select pg_terminate_backend(pid) from pg_stat_activity where query like '%/* cut */%' and pid <> pg_backend_pid()",
        );
      const until = async (name: string) => {
        const running = "select 1 from pg_stat_activity where wait_event = 'PgSleep' and query like $1";
        while ((await other.query(running, [`%${name}%`])).length === 0);
      };
      const statement = assertRejects(
        () => database.query("with m as (insert into marks values ('one')) select pg_sleep(60) /* cut */"),
        DatabaseError,
      );
      await until("one");
      await cut();
      assertEquals((await statement).code, "connection_lost");

      let bodies = 0;
      const transaction = assertRejects(() =>
        database.transaction(async (inner) => {
          bodies++;
          await inner.query("insert into marks values ('two')");
          // What a body does after its connection broke must not reach another connection.
          await inner.query("select pg_sleep(60) /* cut */ as two").catch(() => {});
          await inner.query("insert into marks values ('three')");
        }), DatabaseError);
      await until("two");
      await cut();
      assertEquals((await transaction).code, "connection_lost");
      assertEquals(bodies, 1);
      assertEquals(await database.query("select name from marks"), []);
      await Promise.all([database.close(), other.close()]);
    });
  },
);

Deno.test(
  { name: "transaction() rejects when its connection breaks between statements", ignore },
  async () => {
    await withServer(async (server) => {
      const database = await openDatabase({ connectionString: server.uri });
      await database.script("create table marks (name text)");
      let late: unknown;
      const error = await assertRejects(() =>
        database.transaction(async (inner) => {
          await inner.query("insert into marks values ('before')");
          await server.restart("immediate");
          late = await inner.query("insert into marks values ('after')").catch((error) => error);
        }), DatabaseError);
      assertEquals(error.code, "connection_lost");
      assertEquals(await database.query("select name from marks"), []);
      assert(late === undefined || late instanceof DatabaseError, Deno.inspect(late));
      await database.close();
    });
  },
);
