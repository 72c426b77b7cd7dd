import { assert, assertEquals, assertRejects } from "@std/assert";
import OpenAI from "openai";
import { follow } from "../../mod.ts";

const ID = `resp_${"a".repeat(32)}`;

/** A client of a server that answers as told: how a stream begins, and what a plain look at the response gives. */
function clientOf(answer: (isStream: boolean, request: number) => Response | Promise<Response>) {
  let requests = 0;
  const client = new OpenAI({
    apiKey: "x",
    baseURL: "http://localhost/v1",
    maxRetries: 0,
    fetch: async (input, init) => {
      init?.signal?.throwIfAborted();
      return await answer(String(input).includes("stream=true"), ++requests);
    },
  });
  return { client, requests: () => requests };
}

const frame = (type: string, number: number) =>
  `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: number })}\n\n`;
const stream = (text: string) => new Response(text, { headers: { "content-type": "text/event-stream" } });
const broken = (text: string) =>
  new Response(
    new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(text));
      },
      pull(controller) {
        controller.error(new TypeError("The connection was lost"));
      },
    }),
    { headers: { "content-type": "text/event-stream" } },
  );
const status = (status: string) => Response.json({ id: ID, object: "response", status, output: [] });

async function typesOf(following: AsyncIterable<{ type: string }>): Promise<string[]> {
  const types: string[] = [];
  for await (const { type } of following) types.push(type);
  return types;
}

Deno.test("follow() gives up on a server that is not there, with what was wrong", async () => {
  const { client, requests } = clientOf(() => {
    throw new TypeError("Nobody is listening");
  });
  const error = await assertRejects(
    () => typesOf(follow(client, ID, { attempts: 3 })),
    OpenAI.APIConnectionError,
  );
  assert(String(error.cause).includes("Nobody is listening"));
  assertEquals(requests(), 3);
});

Deno.test("follow() gives up on streams whose first event never comes", async () => {
  for (const first of [() => broken(""), () => stream("")]) {
    const { client } = clientOf((isStream) => isStream ? first() : status("in_progress"));
    await assertRejects(() => typesOf(follow(client, ID, { attempts: 2 })), Error);
  }
});

Deno.test("follow() goes on with a response that is long silent, and under way", async () => {
  let streams = 0;
  const { client } = clientOf((isStream) => {
    if (!isStream) return status("in_progress");
    streams++;
    if (streams === 1) return broken(frame("response.created", 0));
    return streams < 5 ? broken(": keep-alive\n\n") : stream(frame("response.completed", 1));
  });
  const types = await typesOf(follow(client, ID, { attempts: 2 }));
  assertEquals(types, ["response.created", "response.completed"]);
});

Deno.test("follow() ends quietly when it is told to, also while it waits", async () => {
  const { client } = clientOf(() => {
    throw new TypeError("Nobody is listening");
  });
  const stop = new AbortController();
  const following = typesOf(follow(client, ID, { signal: stop.signal, attempts: 1000 }));
  stop.abort();
  assertEquals(await following, []);
  assertEquals(await typesOf(follow(client, ID, { signal: AbortSignal.abort() })), []);
});

Deno.test("follow() passes on a refusal at once", async () => {
  const { client, requests } = clientOf(() =>
    Response.json({ error: { message: "No", type: "x", param: null, code: "not_found" } }, { status: 404 })
  );
  await assertRejects(() => typesOf(follow(client, ID)), OpenAI.NotFoundError);
  assertEquals(requests(), 1);
  await assertRejects(() => typesOf(follow(client, ID, { attempts: 0 })), RangeError);
});
