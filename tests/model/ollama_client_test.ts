import { assertEquals, assertRejects } from "@std/assert";
import OpenAI from "openai";
import { createOllamaClient } from "../../src/model/_ollama_client.ts";

/** Asks once, and reads the whole answer. */
async function ask(answer: () => Response, stream: boolean): Promise<string> {
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    await request.text();
    return answer();
  });
  const client = await createOllamaClient({ url: `http://127.0.0.1:${server.addr.port}` });
  const request = { model: "qwen3:8b", messages: [{ role: "user" as const, content: "Hello" }] };
  const options = { maxRetries: 0 };
  if (!stream) {
    const { choices } = await client.chat.completions.create(request, options);
    return choices[0]?.message.content ?? "";
  }
  const chunks = await Array.fromAsync(
    await client.chat.completions.create({ ...request, stream }, options),
  );
  return chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join("");
}

function chunk(content: string, finish: string | null): string {
  return `data: ${
    JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: finish }] })
  }\n\n`;
}

/** A stream whose connection breaks after these events. */
function broken(...events: string[]): Response {
  const body = new ReadableStream({
    pull(controller) {
      const event = events.shift();
      if (event === undefined) controller.error(new Error("The server was killed"));
      else controller.enqueue(new TextEncoder().encode(event));
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

const OTHERS: [what: string, answer: () => Response][] = [
  ["a login page", () => new Response("<html>", { headers: { "content-type": "text/html" } })],
  ["nothing", () => new Response(null, { headers: { "content-type": "application/json" } })],
  ["other JSON", () => Response.json({ choices: [] })],
];

for (const stream of [false, true]) {
  for (const [what, answer] of OTHERS) {
    Deno.test(`createOllamaClient() says that it is not Ollama when ${what} answers, stream: ${stream}`, async () => {
      const error = await assertRejects(() => ask(answer, stream), OpenAI.APIConnectionError);
      assertEquals(
        String(error.cause).replace(/:\d+:/, ":"),
        "OllamaUnreachableError: Ollama could not be reached at http://127.0.0.1: something else answers there. " +
          "Set OLLAMA_HOST to where it runs",
      );
    });
  }
}

Deno.test("createOllamaClient() says that an answer is not complete when its connection breaks", async () => {
  await assertRejects(
    () => ask(() => broken(chunk("Half", null)), true),
    OpenAI.APIError,
    "Ollama ended its answer before it was complete",
  );
  assertEquals(await ask(() => broken(chunk("Whole", "stop")), true), "Whole");
});
