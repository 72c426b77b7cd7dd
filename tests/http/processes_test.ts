import { assertEquals, assertRejects } from "@std/assert";
import { SignJWT } from "jose";
import OpenAI from "openai";
import { type FreshDatabase, testDatabases } from "../_databases.ts";

const SERVED = new URL("./_served.ts", import.meta.url);
const SECRET = "a-shared-secret-of-more-than-32-characters";
const SUFFIX = "of two processes";
const model = `Clerk ${SUFFIX}`;

for (const target of testDatabases().filter(({ engine }) => engine === "postgres")) {
  Deno.test("serveAgents() in two processes is one server", async (test) => {
    await using fresh = await target.create();
    await using one = await serve(fresh);
    await using two = await serve(fresh);
    const clients = async (userId: string) => {
      const apiKey = await tokenOf(userId);
      return [one, two].map(({ url }) => new OpenAI({ apiKey, baseURL: url, maxRetries: 0 }));
    };
    const runsOf = async (userId: string) => {
      const [row] = await fresh.database.query(
        "select count(*)::int as count from timestep.runs where owner_id = $1",
        [userId],
      );
      return row?.["count"];
    };

    await test.step("one Idempotency-Key is one run, wherever and whenever it comes", async () => {
      const both = await clients("ada");
      const ids = await Promise.all(Array.from({ length: 12 }, async (_, index) => {
        const create = both[index % 2]?.responses.create({ model, input: "Hello" }, {
          headers: { "Idempotency-Key": "k" },
        });
        return (await create)?.id;
      }));
      assertEquals(new Set(ids).size, 1);
      assertEquals(await runsOf("ada"), 1);
    });

    await test.step("one parent and one body are one run", async () => {
      const both = await clients("bob");
      const first = await both[0]?.responses.create({ model, input: "Hello" });
      const ids = await Promise.all(
        Array.from({ length: 8 }, async (_, index) =>
          (await both[index % 2]?.responses.create({
            model,
            input: "Bye",
            previous_response_id: first?.id ?? "",
          }))?.id),
      );
      assertEquals(new Set(ids).size, 1);
      assertEquals(await runsOf("bob"), 2);
    });

    await test.step("runs at once are limited together", async () => {
      const both = await clients("cy");
      const codes = await Promise.all(Array.from({ length: 16 }, async (_, index) => {
        try {
          await both[index % 2]?.responses.create({ model, input: "Wait.", background: true });
          return "begun";
        } catch (error) {
          return error instanceof OpenAI.RateLimitError ? String(error.code) : String(error);
        }
      }));
      assertEquals(codes.filter((code) => code === "begun").length, 5);
      assertEquals(codes.filter((code) => code === "concurrent_runs_exceeded").length, 11);
      assertEquals(await runsOf("cy"), 5);
    });

    await test.step("runs within a minute are limited together", async () => {
      const both = await clients("dan");
      const create = (index: number) => both[index % 2]?.responses.create({ model, input: `Hello ${index}` });
      for (let index = 0; index < 10; index++) {
        await create(index);
        // However long this takes, it is within the minute.
        await fresh.database.query(
          "update timestep.runs set created_at = now() + interval '1 hour' where owner_id = 'dan'",
        );
      }
      const error = await assertRejects(async () => await create(10), OpenAI.RateLimitError);
      assertEquals([error.code, error.headers?.get("retry-after")], ["rate_limit_exceeded", "60"]);
      assertEquals(await runsOf("dan"), 10);
      await fresh.database.query("update timestep.runs set created_at = now() - interval '2 minutes'");
      await create(11);
    });
  });
}

function tokenOf(userId: string): Promise<string> {
  return new SignJWT({}).setProtectedHeader({ alg: "HS256" }).setSubject(userId).setAudience("authenticated")
    .setExpirationTime("1h").sign(new TextEncoder().encode(SECRET));
}

async function serve({ connectionString }: FreshDatabase): Promise<{ url: string } & AsyncDisposable> {
  const limits = { concurrentRuns: 5, requestsPerMinute: 10 };
  const options = { connectionString, suffix: SUFFIX, limits, hs256Secret: SECRET };
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", SERVED.pathname, JSON.stringify(options)],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error("The server did not start.");
    text += value;
  }
  return {
    url: text.slice(0, text.indexOf("\n")),
    async [Symbol.asyncDispose]() {
      await child.stdin.close();
      await reader.cancel();
      await child.status;
    },
  };
}
