import { assert, assertEquals } from "@std/assert";
import {
  Agent,
  hostedMcpTool,
  OpenAIConversationsSession,
  OpenAIProvider,
  Runner,
  RunState,
} from "@openai/agents";
import { serverTest, type TestServer } from "./_server.ts";

serverTest("the Agents SDK is a client", async (server, test) => {
  const runner = await runnerOf(server, "ada");
  const { assistant: { name: model }, paid } = server.world;
  const agent = new Agent({
    name: "Caller",
    model,
    tools: [
      hostedMcpTool({
        serverLabel: "timestep",
        serverUrl: "https://unused.example",
        requireApproval: "always",
      }),
    ],
  });

  await test.step("it runs, streams and goes on", async () => {
    const first = await runner.run(agent, "Hello");
    assertEquals(first.finalOutput, "You said: Hello");
    const streamed = await runner.run(agent, "What's the weather in Oslo?", {
      stream: true,
      ...(first.lastResponseId ? { previousResponseId: first.lastResponseId } : {}),
    });
    let text = "";
    for await (const chunk of streamed.toTextStream()) text += chunk;
    await streamed.completed;
    assertEquals([text, streamed.finalOutput], ["Done: sunny in Oslo", "Done: sunny in Oslo"]);
  });

  await test.step("it approves, also after its state was stored", async () => {
    const paused = await runner.run(agent, "pay Bob");
    assertEquals(paused.interruptions.length, 1);
    const state = await RunState.fromString(agent, paused.state.toString());
    for (const interruption of state.getInterruptions()) state.approve(interruption);
    const result = await runner.run(agent, state);
    assertEquals(result.finalOutput, "Done: paid Bob");
    assertEquals(paid, ["Bob"]);
  });

  await test.step("it rejects", async () => {
    const paused = await runner.run(agent, "pay Eve");
    for (const interruption of paused.interruptions) paused.state.reject(interruption);
    const result = await runner.run(agent, paused.state);
    assert(result.finalOutput?.startsWith("Done: "));
    assertEquals(paid, ["Bob"]);
  });

  await test.step("OpenAIConversationsSession keeps the conversation", async () => {
    const session = new OpenAIConversationsSession({ client: server.client(await server.token("ada")) });
    await runner.run(agent, "Hello", { session });
    const second = await runner.run(agent, "What's the weather in Rome?", { session });
    assertEquals(second.finalOutput, "Done: sunny in Rome");
    const third = await runner.run(agent, "Count.", { session });
    assertEquals(third.finalOutput, "I see 7 items.");
    const before = (await session.getItems()).length;
    await session.popItem();
    assertEquals((await session.getItems()).length, before - 1);
    await session.clearSession();
  });

  await test.step("conversationId sends only what is new", async () => {
    const client = server.client(await server.token("ada"));
    const { id } = await client.conversations.create();
    await runner.run(agent, "Hello", { conversationId: id });
    const result = await runner.run(agent, "Count.", { conversationId: id });
    assertEquals(result.finalOutput, "I see 3 items.");
  });
});

async function runnerOf(server: TestServer, userId: string): Promise<Runner> {
  const modelProvider = new OpenAIProvider({
    openAIClient: server.client(await server.token(userId)),
    useResponses: true,
  });
  return new Runner({ modelProvider, tracingDisabled: true });
}
