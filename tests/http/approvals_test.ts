import { assert, assertEquals, assertRejects } from "@std/assert";
import OpenAI from "openai";
import type { Response } from "openai/resources/responses/responses";
import { serverTest } from "./_server.ts";

serverTest("approvals are asked for and answered as those of MCP tools", async (server, test) => {
  const client = server.client(await server.token("ada"));
  const { assistant: { name: model }, paid } = server.world;

  await test.step("an approved tool is called once", async () => {
    const asked = await client.responses.create({ model, input: "pay Bob" });
    assertEquals(asked.status, "completed");
    const [request] = requests(asked);
    assertEquals([request?.name, request?.server_label], ["pay", "timestep"]);
    assertEquals(JSON.parse(request?.arguments ?? ""), { to: "Bob" });
    assertEquals(paid, []);
    const answer = approve(request?.id);
    const response = await client.responses.create({
      model,
      input: [answer],
      previous_response_id: asked.id,
    });
    assertEquals(response.output_text, "Done: paid Bob");
    const [call] = response.output;
    assert(call?.type === "mcp_call");
    assertEquals([call.output, call.approval_request_id], ["paid Bob", request?.id]);
    const same = await client.responses.create({ model, input: [answer], previous_response_id: asked.id });
    assertEquals(same.id, response.id);
    assertEquals(paid, ["Bob"]);
    assertEquals((await client.responses.retrieve(asked.id)).output, asked.output);
  });

  await test.step("a decision is final", async () => {
    const asked = await client.responses.create({ model, input: "pay Eve" });
    const id = requests(asked)[0]?.id;
    const rejection = { ...approve(id), approve: false, reason: "Not Eve." };
    for (const reason of ["Not\0Eve.", "Not \ud800."]) {
      const unstorable = { model, input: [{ ...rejection, reason }] };
      await assertRejects(() => client.responses.create(unstorable), OpenAI.BadRequestError, "NUL");
    }
    const response = await client.responses.create({ model, input: [rejection] });
    assertEquals(response.output_text, "Done: Not Eve.");
    const error = await assertRejects(
      () => client.responses.create({ model, input: [approve(id)] }),
      OpenAI.BadRequestError,
    );
    assertEquals(error.code, "decision_conflict");
    assertEquals(paid, ["Bob"]);
  });

  await test.step("the whole history sent again leads to the same run", async () => {
    const user = { role: "user" as const, content: "pay Carol" };
    const asked = await client.responses.create({ model, input: [user] });
    const [request] = requests(asked);
    assert(request);
    const history = [user, request, approve(request.id)];
    const response = await client.responses.create({ model, input: history, stream: true });
    let text = "";
    for await (const event of response) if (event.type === "response.output_text.delta") text += event.delta;
    assertEquals(text, "Done: paid Carol");
    const next = [...history, { role: "user" as const, content: "Count." }];
    assertEquals((await client.responses.create({ model, input: next })).output_text, "I see 2 items.");
    assertEquals(paid, ["Bob", "Carol"]);
  });

  await test.step("with several approvals the run goes on when all are there", async () => {
    const asked = await client.responses.create({ model, input: "pay Dan and pay Fay" });
    const [first, second] = requests(asked);
    const waiting = await client.responses.create({ model, input: [approve(first?.id)] });
    assertEquals([waiting.status, waiting.output], ["completed", second ? [second] : []]);
    const response = await client.responses.create({ model, input: [approve(second?.id)] });
    assertEquals(response.output_text, "Done: paid Dan, paid Fay");
    assertEquals((await client.responses.retrieve(waiting.id)).output, waiting.output);
    assertEquals(paid.slice(2).sort(), ["Dan", "Fay"]);
  });

  await test.step("raced decisions lead to one response", async () => {
    const asked = await client.responses.create({ model, input: "pay Gus" });
    const input = [approve(requests(asked)[0]?.id)];
    const responses = await Promise.all(
      Array.from({ length: 5 }, () => client.responses.create({ model, input, background: true })),
    );
    assertEquals(new Set(responses.map(({ id }) => id)).size, 1);
    const stream = await client.responses.retrieve(responses[0]?.id ?? "", { stream: true });
    for await (const event of stream) if (event.type === "response.completed") break;
    assertEquals(paid.filter((name) => name === "Gus"), ["Gus"]);
  });

  await test.step("who has got a decision goes on at once, also in the background", async () => {
    const begun = await client.responses.create({ model, input: "pay Ida", background: true });
    const asked = await ended(client, begun.id);
    const input = [approve(requests(asked)[0]?.id)];
    const { id } = await client.responses.create({ model, input, background: true });
    const workflows = await server.database.query(
      "select status from dbos.workflow_status where workflow_uuid like $1 || '%'",
      [begun.id],
    );
    // Whoever looks into the queue finds nothing of it there.
    assertEquals(workflows.map(({ status }) => status === "ENQUEUED"), [false, false]);
    assertEquals((await ended(client, id)).output_text, "Done: paid Ida");
  });

  await test.step("what waits is neither answered by others nor passed over", async () => {
    const conversation = (await client.conversations.create()).id;
    const asked = await client.responses.create({ model, input: "pay Hal", conversation });
    const input = [approve(requests(asked)[0]?.id)];
    const other = server.client(await server.token("eve"));
    await assertRejects(() => other.responses.create({ model, input }), OpenAI.NotFoundError);
    await assertRejects(
      () => client.responses.create({ model, input: "Hello", conversation }),
      OpenAI.BadRequestError,
    );
    await client.responses.cancel(asked.id);
    await assertRejects(() => client.responses.create({ model, input }), OpenAI.BadRequestError);
    assert(!paid.includes("Hal"));
  });
});

/** The response when its run has ended, or waits. */
async function ended(client: OpenAI, id: string): Promise<Response> {
  const last = ["response.completed", "response.failed", "response.incomplete"];
  for await (const { type } of await client.responses.retrieve(id, { stream: true })) {
    if (last.includes(type)) break;
  }
  return await client.responses.retrieve(id);
}

function requests({ output }: Response) {
  return output.filter((item) => item.type === "mcp_approval_request");
}

function approve(id: string | undefined) {
  return { type: "mcp_approval_response" as const, approval_request_id: id ?? "", approve: true };
}
