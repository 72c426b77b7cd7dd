import { assert, assertEquals } from "@std/assert";
import type OpenAI from "openai";
import { follow } from "../../mod.ts";
import { serverTest } from "./_server.ts";

serverTest("what was refused is shown as it was told to the model", async (server, test) => {
  const client = server.client(await server.token("ada"));
  const model = server.world.assistant.name;

  await test.step("by a guardrail before the call, and after it", async () => {
    for (const [city, told] of [["Atlantis", "There is no such city."], ["Area51", "That is classified."]]) {
      const stream = client.responses.stream({ model, input: `What's the weather in ${city}?` });
      const { output, output_text: text, id } = await stream.finalResponse();
      assertEquals(text, `Done: ${told}`);
      assert(output[0]?.type === "mcp_call");
      assertEquals([output[0].status, output[0].output, textOf(output[0].error)], ["failed", null, told]);
      assertEquals((await client.responses.retrieve(id)).output.map(({ type }) => type), [
        "mcp_call",
        "message",
      ]);
      // Nobody is told what the guardrail has kept from the model.
      assert(!JSON.stringify(await client.responses.retrieve(id)).includes("sunny in Area51"));
    }
  });

  await test.step("by a person", async () => {
    const asked = await client.responses.create({ model, input: "pay Eve" });
    const [request] = asked.output;
    assert(request?.type === "mcp_approval_request");
    const { output } = await client.responses.create({ model, input: [reject(request.id)] });
    assertEquals(output.map(({ type }) => type), ["mcp_call", "message"]);
    assert(output[0]?.type === "mcp_call");
    assertEquals([output[0].status, output[0].approval_request_id], ["failed", request.id]);
    assertEquals(textOf(output[0].error), "Tool execution was not approved.");
    assertEquals(server.world.paid, []);
  });

  await test.step("by a guardrail of the whole, without a word of the answer", async () => {
    const stream = client.responses.stream({ model, input: "spam" });
    const types: string[] = [];
    for await (const { type } of stream) types.push(type);
    assertEquals(types.at(-1), "response.failed");
    const response = await stream.finalResponse();
    assertEquals([response.status, response.error?.code, response.output], ["failed", "invalid_prompt", []]);
  });
});

serverTest("a run that waits for a person to settle a call keeps nobody waiting", async (server) => {
  const client = server.client(await server.token("ada"));
  const model = server.world.assistant.name;
  server.world.model.hold();
  const { id } = await client.responses.create({ model, input: "Wait.", background: true });
  // What a process leaves behind that comes to a call which has begun before.
  const stuck = await server.database.query(
    `update timestep.runs set status = 'unknown_outcome', epoch = epoch + 1, executor_id = null
     where run_id = $1 returning run_id`,
    [id],
  );
  assertEquals(stuck.length, 1);
  const response = await client.responses.retrieve(id);
  assertEquals(response.status, "incomplete");
  assertEquals(String(response.incomplete_details?.reason), "unknown_outcome");
  assert(response.error?.message.includes("settleToolCall()"));
  const types: string[] = [];
  for await (const { type } of follow(client, id)) types.push(type);
  assertEquals(types.at(-1), "response.incomplete");
  const helped = client.responses.stream({ response_id: id });
  assertEquals((await helped.finalResponse()).status, "incomplete");
  // Settled, it goes on.
  await server.database.query("update timestep.runs set status = 'queued' where run_id = $1", [id]);
  await server.database.query("select timestep.requeue_run($1)", [id]);
  server.world.model.release();
  for await (const _event of follow(client, id)) { /* Until it is over. */ }
  const settled = await client.responses.retrieve(id);
  assertEquals([settled.status, settled.error, settled.incomplete_details], ["completed", null, null]);
});

function textOf(error: OpenAI.Responses.McpToolCallError | null | undefined): string {
  return error?.type === "mcp_tool_execution_error" && Array.isArray(error.content)
    ? error.content[0].text
    : "";
}

function reject(id: string) {
  return { type: "mcp_approval_response" as const, approval_request_id: id, approve: false };
}
