import { assertEquals, assertRejects } from "@std/assert";
import { Agent } from "@openai/agents";
import { assistantMessage, ScriptedModel } from "@openai/agents-core/testing";
import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";
import { configureDBOS, serveAgents, shutdownDBOS } from "../../mod.ts";
import { testDatabases } from "../_databases.ts";

const answer = z.object({ answer: z.number() });

for (const target of testDatabases()) {
  Deno.test(`serveAgents() gives JSON from agents that have an outputType, and only from them [${target.engine}]`, async () => {
    await using fresh = await target.create();
    configureDBOS({ connectionString: fresh.connectionString });
    const name = `Counter ${crypto.randomUUID()}`;
    const model = () => new ScriptedModel([[assistantMessage('{"answer":4}')]]);
    const counter = new Agent({ name, model: model(), outputType: answer });
    const talker = new Agent({ name: `Talker ${crypto.randomUUID()}`, model: model() });
    const handler = serveAgents({
      agents: [counter, talker],
      authenticate: () => Promise.resolve({ kind: "service" }),
    });
    const client = new OpenAI({
      apiKey: "x",
      baseURL: "http://localhost/v1",
      maxRetries: 0,
      fetch: (input, init) => handler(new Request(input, init)),
    });
    const ask = { input: "What's 2+2?", text: { format: zodTextFormat(answer, "answer") } };
    try {
      const { output_parsed: parsed } = await client.responses.parse({ model: counter.name, ...ask });
      assertEquals(parsed, { answer: 4 });
      const error = await assertRejects(
        () => client.responses.parse({ model: talker.name, ...ask }),
        OpenAI.BadRequestError,
      );
      assertEquals(error.param, "text.format");
    } finally {
      await shutdownDBOS();
      configureDBOS({});
    }
  });
}
