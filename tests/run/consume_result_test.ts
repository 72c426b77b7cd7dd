import { MaxTurnsExceededError, Runner } from "@openai/agents";
import { modelError } from "@openai/agents-core/testing";
import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { consumeResult, defaultResultProcessor } from "@timestep-ai/timestep";
import { said, says, scriptedAgent, SlowSession } from "./_agents.ts";

Deno.test("consumeResult() hands back the same result when nothing streams", async () => {
  const result = await new Runner().run(scriptedAgent(says("Hello!")), "Hi");
  assertStrictEquals(await consumeResult(result), result);
});

Deno.test("consumeResult() waits for the end of a stream and hands back the same result", async () => {
  const result = await new Runner().run(scriptedAgent(says("Hello!")), "Hi", { stream: true });
  assertStrictEquals(await consumeResult(result), result);
  assertEquals(result.finalOutput, "Hello!");
});

Deno.test("consumeResult() waits for what is written to the session in the background", async () => {
  const session = new SlowSession();
  const result = await new Runner().run(scriptedAgent(says("Hello!")), "Hi", { stream: true, session });
  await consumeResult(result);
  assertEquals(await said(session), ["user: Hi", "assistant: Hello!"]);
});

Deno.test("consumeResult() gives the same again when it is called again", async () => {
  const result = await new Runner().run(scriptedAgent(says("Hello!")), "Hi", { stream: true });
  await Promise.all([consumeResult(result), consumeResult(result)]);
  assertEquals((await consumeResult(result)).finalOutput, "Hello!");
});

Deno.test("consumeResult() reads on where a reader has stopped", async () => {
  const result = await new Runner().run(scriptedAgent(says("Hello!")), "Hi", { stream: true });
  const iterator = result.toStream().values({ preventCancel: true });
  await iterator.next();
  await iterator.return?.();
  assertEquals((await consumeResult(result)).finalOutput, "Hello!");
});

Deno.test("consumeResult() leaves the events to whoever is reading them", async () => {
  const result = await new Runner().run(scriptedAgent(says("Hello!")), "Hi", { stream: true });
  const texts = Array.fromAsync(result.toTextStream());
  await consumeResult(result);
  assertEquals((await texts).join(""), "Hello!");
});

Deno.test("consumeResult() waits for the end of the run when its reader went away", async () => {
  const session = new SlowSession();
  const result = await new Runner().run(scriptedAgent(says("Hello!")), "Hi", { stream: true, session });
  for await (const _event of result) break;
  await consumeResult(result);
  assertEquals(result.cancelled, true);
});

Deno.test("consumeResult() throws the run's error as it is, each time", async () => {
  const refused = new MaxTurnsExceededError("Enough");
  const result = await new Runner().run(scriptedAgent(modelError(refused)), "Hi", { stream: true });
  for (let time = 0; time < 2; time++) {
    assertStrictEquals(await assertRejects(() => consumeResult(result)), refused);
  }
});

Deno.test("defaultResultProcessor() is consumeResult()", () => {
  assertStrictEquals(defaultResultProcessor, consumeResult);
});
