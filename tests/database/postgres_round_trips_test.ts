import { assertEquals } from "@std/assert";
import { connect, createServer, type Socket } from "node:net";
import { openPostgres } from "../../src/database/postgres.ts";
import { findPostgresPrograms } from "../_postgres.ts";
import { testServerUri } from "../_databases.ts";

const available = findPostgresPrograms() !== null || Boolean(Deno.env.get("TIMESTEP_TEST_PG_URI"));

Deno.test({
  name: "query() needs one round trip when it is given parameters, and one when it is given none",
  ignore: !available,
  async fn() {
    await using proxy = await countingProxy(new URL(await testServerUri()));
    const database = openPostgres(proxy.uri);
    try {
      await database.query("select 1"); // It is connected.
      proxy.requests();

      assertEquals(
        await database.query("select $1::int as a, $2::text as b, $3::bool as c, $4::bytea as d, $5 as e", [
          1,
          "two",
          true,
          new Uint8Array([4]),
          null,
        ]),
        [{ a: 1, b: "two", c: true, d: new Uint8Array([4]), e: null }],
      );
      assertEquals(proxy.requests(), 1);

      await database.query("select 1");
      assertEquals(proxy.requests(), 1);
    } finally {
      await database.close();
    }
  },
});

/** Stands before a server and counts how often the client has something to say after it was answered. */
async function countingProxy(server: URL) {
  let requests = 0;
  let isAnswer = true;
  const sockets = new Set<Socket>();
  const proxy = createServer((client) => {
    const upstream = connect({ host: server.hostname, port: Number(server.port) });
    for (const socket of [client, upstream]) sockets.add(socket.on("error", () => {}));
    client.on("data", (bytes) => {
      if (isAnswer) requests++;
      isAnswer = false;
      upstream.write(bytes);
    }).on("close", () => upstream.destroy());
    upstream.on("data", (bytes) => {
      isAnswer = true;
      client.write(bytes);
    }).on("close", () => client.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const address = proxy.address();
  if (address === null || typeof address === "string") throw new Error("The proxy has no port");
  const uri = new URL(server);
  uri.port = String(address.port);
  uri.searchParams.set("sslmode", "disable");
  return {
    uri: uri.href,
    /** How many there were since this was asked last. */
    requests: () => {
      const count = requests;
      requests = 0;
      return count;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => proxy.close(() => resolve()));
    },
  };
}
