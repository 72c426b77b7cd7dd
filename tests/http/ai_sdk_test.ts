import { assert, assertEquals } from "@std/assert";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, type ModelMessage, streamText } from "ai";
import { serverTest } from "./_server.ts";

serverTest("Vercel's AI SDK is a client", async (server, test) => {
  const { assistant: { name }, paid } = server.world;
  const openai = createOpenAI({ apiKey: await server.token("ada"), baseURL: server.url });
  const model = openai.responses(name);

  await test.step("it generates and streams", async () => {
    assertEquals((await generateText({ model, prompt: "Hello" })).text, "You said: Hello");
    const { textStream } = streamText({ model, prompt: "one two three" });
    let text = "";
    for await (const part of textStream) text += part;
    assertEquals(text, "You said: one two three");
  });

  await test.step("it sees the agent's own tool calls", async () => {
    const { text, steps } = await generateText({ model, prompt: "What's the weather in Oslo?" });
    assertEquals(text, "Done: sunny in Oslo");
    assert(JSON.stringify(steps.map(({ content }) => content)).includes("sunny in Oslo"));
  });

  await test.step("it refers to earlier answers", async () => {
    const first = await generateText({ model, prompt: "Hello" });
    const messages: ModelMessage[] = [
      { role: "user", content: "Hello" },
      ...first.response.messages,
      { role: "user", content: "Count." },
    ];
    assertEquals((await generateText({ model, messages })).text, "I see 3 items.");
  });

  await test.step("it approves", async () => {
    const first = await generateText({ model, prompt: "pay Bob" });
    const request = first.content.find((part) => part.type === "tool-approval-request");
    assert(request);
    const messages: ModelMessage[] = [
      { role: "user", content: "pay Bob" },
      ...first.response.messages,
      {
        role: "tool",
        content: [{
          type: "tool-approval-response",
          approvalId: request.approvalId,
          approved: true,
          providerExecuted: true,
        }],
      },
    ];
    assertEquals((await generateText({ model, messages })).text, "Done: paid Bob");
    assertEquals(paid, ["Bob"]);
  });
});
