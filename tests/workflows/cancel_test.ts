import { assertEquals } from "@std/assert";
import { Agent, OpenAIProvider } from "@openai/agents";
import { once } from "node:events";
import { createServer } from "node:http";
import { cancelRun, runAgentWorkflow } from "../../mod.ts";
import { uniqueName, workflowTest } from "./_workflows.ts";

workflowTest("cancelRun() aborts the request to the provider, streamed or not", async () => {
  const arrived: PromiseWithResolvers<void>[] = [];
  const closed: Promise<unknown>[] = [];
  // It begins to answer, and never comes to an end.
  const server = createServer((_request, response) => {
    closed.push(once(response, "close"));
    response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
    arrived.at(-1)?.resolve();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const provider = new OpenAIProvider({ apiKey: "none", baseURL: `http://127.0.0.1:${port}/v1` });
  const agent = new Agent({ name: uniqueName("Patient"), model: await provider.getModel("gpt-4.1") });
  try {
    for (const stream of [false, true]) {
      arrived.push(Promise.withResolvers());
      const workflowId = stream ? "streamed" : "whole";
      const running = runAgentWorkflow({ agent, inputItems: "Go.", workflowId, stream });
      await arrived.at(-1)?.promise;
      assertEquals((await cancelRun(workflowId)).status, "cancelled");
      assertEquals((await running).status, "cancelled");
    }
    await Promise.all(closed);
    assertEquals(closed.length, 2, "nothing was asked again");
  } finally {
    server.close();
  }
});
