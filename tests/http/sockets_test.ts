import { assert, assertEquals } from "@std/assert";
import { serverTest, type TestServer } from "./_server.ts";

/** What is read of an answer; the status is 0 where there is none. */
interface Refusal {
  status: number;
  code: string | null;
}

const MEGABYTE = 1024 * 1024;

serverTest(
  "bodies that are too large, too slow or never whole are refused on real sockets",
  async (server, test) => {
    const token = await server.token("ada");
    const before = await written(server);
    const post = (length: string) =>
      `POST /v1/responses HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\n` +
      `content-type: application/json\r\n${length}\r\n\r\n`;

    await test.step("50 MB that are announced are refused before they come", async () => {
      using socket = await connect(server);
      await socket.write(post(`content-length: ${50 * MEGABYTE}`));
      assertEquals(await socket.refusal(), { status: 413, code: "body_too_large" });
    });

    await test.step("50 MB in a whole are refused, by clients that send all of it first", async () => {
      const body = new Uint8Array(50 * MEGABYTE).fill(32);
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
      const response = await fetch(`${server.url}/responses`, { method: "POST", body, headers });
      assertEquals([response.status, (await response.json()).error.code], [413, "body_too_large"]);
    });

    await test.step("a body without an end is refused when it is too large", async () => {
      using socket = await connect(server);
      await socket.write(post("transfer-encoding: chunked"));
      const refusal = socket.refusal();
      let answered = false;
      refusal.then(() => answered = true);
      const chunk = `${MEGABYTE.toString(16)}\r\n${" ".repeat(MEGABYTE)}\r\n`;
      while (!answered) await socket.write(chunk).catch(() => {});
      assertEquals(await refusal, { status: 413, code: "body_too_large" });
    });

    await test.step("a body that comes a byte at a time is refused when its time is over", async () => {
      using socket = await connect(server);
      await socket.write(post("content-length: 1000"));
      const refusal = socket.refusal();
      let answered = false;
      refusal.then(() => answered = true);
      while (!answered) {
        await socket.write(" ").catch(() => {});
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      assertEquals(await refusal, { status: 408, code: null });
    });

    await test.step("a body that breaks off begins nothing", async () => {
      const whole = JSON.stringify({ model: server.world.assistant.name, input: "Hello" });
      for (
        const sent of [
          post("content-length: 1000") + whole,
          post("transfer-encoding: chunked") + `${whole.length.toString(16)}\r\n${whole}\r\n`,
          post("content-length: 1000").slice(0, -20),
        ]
      ) {
        using socket = await connect(server);
        await socket.write(sent);
      }
    });

    await test.step("what is no HTTP begins nothing", async () => {
      for (
        const sent of [
          post("transfer-encoding: chunked") + "nonsense\r\n",
          post("content-length: -1"),
          post("content-length: 5\r\ncontent-length: 6") + "{}",
          "NONSENSE\r\n\r\n",
        ]
      ) {
        using socket = await connect(server);
        await socket.write(sent);
        // Deno's server cuts some of it off without a word.
        const { status } = await socket.refusal();
        assert(status === 0 || status >= 400 && status < 500, `${status} for ${sent}`);
      }
    });

    await test.step("deep nesting is refused, however much there is of it", async () => {
      for (const body of ["[".repeat(3 * MEGABYTE), `{"input":${"[".repeat(200)}${"]".repeat(200)}}`]) {
        const response = await server.send("POST", "/responses", body, { authorization: `Bearer ${token}` });
        assertEquals([response.status, (await response.json()).error.code], [400, "invalid_json"]);
      }
    });

    const answered = await server.send("GET", "/models", undefined, { authorization: `Bearer ${token}` });
    assertEquals(answered.status, 200);
    await answered.body?.cancel();
    assertEquals(await written(server), before);
  },
  { bodyMs: 300 },
);

/** A connection on which anything can be said. */
async function connect(server: TestServer) {
  const { hostname, port } = new URL(server.url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const encoder = new TextEncoder();
  return {
    async write(text: string) {
      const bytes = encoder.encode(text);
      for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
    },
    /** Reads the answer. */
    async refusal(): Promise<Refusal> {
      const buffer = new Uint8Array(16_384);
      let text = "";
      for (;;) {
        const count = await connection.read(buffer);
        if (count === null) break;
        text += new TextDecoder().decode(buffer.subarray(0, count));
        const [head = "", body = ""] = text.split("\r\n\r\n");
        const length = /content-length: (\d+)/i.exec(head)?.[1];
        if (length !== undefined && body.length >= Number(length)) break;
      }
      const status = Number(text.slice("HTTP/1.1 ".length, "HTTP/1.1 000".length));
      const body = text.split("\r\n\r\n")[1] || "null";
      return { status, code: JSON.parse(body)?.error.code ?? null };
    },
    [Symbol.dispose]: () => connection.close(),
  };
}

async function written(server: TestServer): Promise<unknown> {
  const [row] = await server.database.query(
    `select (select count(*) from timestep.runs) as runs, (select count(*) from timestep.responses) as responses,
       (select count(*) from timestep.sessions) as sessions`,
  );
  return row;
}
