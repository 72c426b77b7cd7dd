import { assert, assertEquals, assertRejects } from "@std/assert";
import OpenAI from "openai";
import type { ResponseStreamEvent } from "openai/resources/responses/responses";
import { follow } from "../../mod.ts";
import { serverTest } from "./_server.ts";

const LAST = ["response.completed", "response.failed", "response.incomplete"];

serverTest(
  "a response that has ended is read the same from anywhere, however it ended",
  async (server, test) => {
    const client = server.client(await server.token("ada"));
    const model = server.world.assistant.name;
    const ended: Record<string, () => Promise<string>> = {
      completed: () => begin(client, model, "one two three"),
      "completed, and waiting": () => begin(client, model, "pay Bob"),
      failed: () => begin(client, model, "Fail."),
      blocked: () => begin(client, model, "spam"),
      async cancelled() {
        server.world.model.hold();
        const id = await begin(client, model, "Wait.");
        await client.responses.cancel(id);
        server.world.model.release();
        return id;
      },
    };
    for (const [how, make] of Object.entries(ended)) {
      await test.step(how, async () => {
        const id = await make();
        const events = await collect(follow(client, id));
        const last = events.at(-1);
        assert(last && LAST.includes(last.type));
        assertEquals(await collect(await client.responses.retrieve(id, { stream: true })), events);
        for (let after = 0; after < events.length; after++) {
          const rest = await client.responses.retrieve(id, { stream: true, starting_after: after });
          assertEquals(await collect(rest), events.slice(after + 1), `after ${after}`);
        }
        assertEquals(await collect(follow(client, id, { startingAfter: events.length - 1 })), []);
        const now = await client.responses.retrieve(id);
        const helped = await client.responses.stream({ response_id: id }).finalResponse();
        assertEquals([helped.status, helped.output.length], [now.status, now.output.length]);
        assert("response" in last);
        const { output, status, usage } = last.response;
        assertEquals({ output, status, usage }, { output: now.output, status: now.status, usage: now.usage });
      });
    }
  },
);

serverTest("cancelling and deleting are final, at any time", async (server, test) => {
  const client = server.client(await server.token("ada"));
  const model = server.world.assistant.name;
  const statusOf = async (id: string) => {
    const [row] = await server.database.query("select status from timestep.runs where run_id = $1", [id]);
    return row?.["status"];
  };

  await test.step("a run that is over stays as it is", async () => {
    const { id } = await client.responses.create({ model, input: "Hello" });
    assertEquals((await client.responses.cancel(id)).status, "completed");
    assertEquals((await client.responses.retrieve(id)).output_text, "You said: Hello");
  });

  await test.step("a run that is queued, or under way, ends", async () => {
    server.world.model.hold();
    const { id } = await client.responses.create({ model, input: "Wait.", background: true });
    const statuses = await Promise.all([client.responses.cancel(id), client.responses.cancel(id)]);
    assertEquals(statuses.map(({ status }) => status), ["cancelled", "cancelled"]);
    server.world.model.release();
    assertEquals((await client.responses.retrieve(id)).status, "cancelled");
    // The conversation goes on without it.
    const next = await client.responses.create({ model, input: "Hello", previous_response_id: id });
    assertEquals(next.output_text, "You said: Hello");
  });

  await test.step("a response that is deleted while it is under way is gone, and its run ends", async () => {
    server.world.model.hold();
    const { id } = await client.responses.create({ model, input: "Wait.", background: true });
    await client.responses.delete(id);
    assertEquals(await statusOf(id), "cancelled");
    for (
      const gone of [
        () => client.responses.retrieve(id),
        () => client.responses.delete(id),
        () => client.responses.cancel(id),
        () => client.responses.inputItems.list(id),
        () => client.responses.create({ model, input: "Hello", previous_response_id: id }),
      ]
    ) await assertRejects(async () => await gone(), OpenAI.NotFoundError);
    server.world.model.release();
  });

  await test.step("an approval of a cancelled run is refused", async () => {
    const asked = await client.responses.create({ model, input: "pay Bob" });
    await client.responses.cancel(asked.id);
    const input = [{
      type: "mcp_approval_response" as const,
      approval_request_id: asked.output[0]?.id ?? "",
      approve: true,
    }];
    await assertRejects(() => client.responses.create({ model, input }), OpenAI.BadRequestError);
    assertEquals(server.world.paid, []);
  });
});

serverTest("lists are paged as OpenAI's, whatever is in them", async (server, test) => {
  const client = server.client(await server.token("ada"));
  const model = server.world.assistant.name;

  await test.step("input items of several turns are each response's own", async () => {
    const first = await client.responses.create({ model, input: [user("a"), user("b"), user("c")] });
    const second = await client.responses.create({ model, input: "d", previous_response_id: first.id });
    const list = async (id: string, query: OpenAI.Responses.InputItemListParams = {}) =>
      (await client.responses.inputItems.list(id, query)).data;
    assertEquals((await list(first.id, { order: "asc" })).map(textOf), ["a", "b", "c"]);
    assertEquals((await list(first.id)).map(textOf), ["c", "b", "a"]);
    assertEquals((await list(second.id)).map(textOf), ["d"]);
    const page = await client.responses.inputItems.list(first.id, { limit: 2, order: "asc" });
    assertEquals([page.data.length, page.has_more], [2, true]);
    const rest = await list(first.id, { after: page.data[1]?.id ?? "", order: "asc" });
    assertEquals(rest.map(textOf), ["c"]);
    assertEquals(await list(first.id, { after: rest[0]?.id ?? "", order: "asc" }), []);
  });

  await test.step("pages that there cannot be are refused", async () => {
    const { id } = await client.conversations.create();
    const response = await client.responses.create({ model, input: "a" });
    for (const path of [`/conversations/${id}/items`, `/responses/${response.id}/input_items`]) {
      for (
        const query of [
          "limit=0",
          "limit=101",
          "limit=x",
          "limit=1.5",
          "order=up",
          "after=nothing",
          "limit=-1",
        ]
      ) {
        const refused = await server.send("GET", `${path}?${query}`);
        assertEquals([refused.status, (await refused.json()).error.param], [400, query.split("=")[0]], query);
      }
      const bounds = await server.send("GET", `${path}?limit=100&order=asc`);
      assertEquals(bounds.status, 200);
      await bounds.body?.cancel();
    }
  });

  await test.step("items of all kinds are kept as they came", async () => {
    const { id } = await client.conversations.create();
    const items: OpenAI.Responses.ResponseInputItem[] = [
      {
        type: "message",
        role: "user",
        content: [
          { type: "input_text", text: "See?" },
          { type: "input_image", image_url: "https://example.com/a.png", detail: "low" },
          { type: "input_file", file_url: "https://example.com/a.pdf", filename: "a.pdf" },
        ],
      },
      {
        type: "message",
        role: "user",
        content: [{ type: "input_image", file_id: "file_1", detail: "auto" }],
      },
      { type: "reasoning", id: "rs_1", summary: [{ type: "summary_text", text: "Well" }] },
      { type: "function_call", call_id: "c1", name: "f", arguments: "{}" },
      { type: "function_call_output", call_id: "c1", output: "done" },
    ];
    const made = await client.conversations.items.create(id, { items });
    assertEquals(made.data.map(({ type }) => type), items.map(({ type }) => type));
    for (const [index, item] of made.data.entries()) {
      const read = await client.conversations.items.retrieve(item.id ?? "", { conversation_id: id });
      assertEquals(read, item);
      const { id: _id, status: _status, ...given } = Object(items[index]);
      for (const [key, value] of Object.entries(given)) assertEquals(Object(read)[key], value, key);
      await client.conversations.items.delete(item.id ?? "", { conversation_id: id });
    }
    assertEquals((await client.conversations.items.list(id)).data, []);
  });
});

async function begin(client: OpenAI, model: string, input: string): Promise<string> {
  return (await client.responses.create({ model, input, background: true })).id;
}

async function collect(stream: AsyncIterable<ResponseStreamEvent>): Promise<ResponseStreamEvent[]> {
  const events: ResponseStreamEvent[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

function user(content: string) {
  return { role: "user" as const, content };
}

function textOf(item: unknown): unknown {
  return Object(item).content[0].text;
}
