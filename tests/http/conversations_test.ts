import { assert, assertEquals, assertRejects } from "@std/assert";
import OpenAI from "openai";
import { serverTest } from "./_server.ts";

interface Page {
  data: { id: string }[];
  "has_more": boolean;
}

serverTest("the official client keeps conversations", async (server, test) => {
  const client = server.client(await server.token("ada"));
  const model = server.world.assistant.name;

  await test.step("conversations are made, read, changed and deleted", async () => {
    const made = await client.conversations.create({ metadata: { topic: "a" } });
    assertEquals((await client.conversations.retrieve(made.id)).metadata, { topic: "a" });
    const changed = await client.conversations.update(made.id, { metadata: { topic: "b" } });
    assertEquals(changed.metadata, { topic: "b" });
    await assertRejects(() => client.post(`/conversations/${made.id}`, { body: {} }), OpenAI.BadRequestError);
    assertEquals((await client.conversations.retrieve(made.id)).metadata, { topic: "b" });
    assertEquals(await client.conversations.delete(made.id), {
      id: made.id,
      object: "conversation.deleted",
      deleted: true,
    });
    await assertRejects(() => client.conversations.retrieve(made.id), OpenAI.NotFoundError);
    const empty = await server.send("POST", "/conversations", undefined);
    assertEquals([empty.status, (await empty.json()).object], [200, "conversation"]);
  });

  await test.step("items are paged in both orders", async () => {
    const { id } = await client.conversations.create();
    const contents = Array.from({ length: 26 }, (_, index) => `item ${index}`);
    for (const half of [contents.slice(0, 13), contents.slice(13)]) {
      const items = half.map((content) => ({ type: "message" as const, role: "user" as const, content }));
      assertEquals((await client.conversations.items.create(id, { items })).data.length, 13);
    }
    const texts = async (order: "asc" | "desc") => {
      const found: string[] = [];
      for await (const item of client.conversations.items.list(id, { order, limit: 10 })) {
        assert(item.type === "message" && item.content[0]?.type === "input_text");
        found.push(item.content[0].text);
      }
      return found;
    };
    assertEquals(await texts("asc"), contents);
    assertEquals(await texts("desc"), contents.toReversed());
  });

  await test.step("the page before an item is the one that ends next to it, in both lists", async () => {
    const input = Array.from({ length: 7 }, (_, index) => ({ role: "user" as const, content: `${index}` }));
    const conversation = await client.conversations.create({ items: input });
    const { id: responseId } = await client.responses.create({ model, input });
    for (const path of [`/conversations/${conversation.id}/items`, `/responses/${responseId}/input_items`]) {
      const page = async (query: string) => {
        const { data, has_more: hasMore } = await client.get<Page>(`${path}?${query}`);
        return { ids: data.map(({ id }) => id), hasMore };
      };
      const { ids } = await page("order=asc");
      const cases: [query: string, from: number, to: number, hasMore: boolean][] = [
        [`limit=3&before=${ids[6]}`, 3, 6, true],
        [`limit=3&before=${ids[3]}`, 0, 3, false],
        [`limit=3&before=${ids[0]}`, 0, 0, false],
        [`limit=2&after=${ids[1]}&before=${ids[6]}`, 2, 4, true],
        [`limit=9&after=${ids[1]}&before=${ids[6]}`, 2, 6, false],
      ];
      for (const [query, from, to, hasMore] of cases) {
        assertEquals(await page(`order=asc&${query}`), { ids: ids.slice(from, to), hasMore }, query);
      }
      assertEquals(await page(`limit=2&before=${ids[1]}`), { ids: [ids[3], ids[2]], hasMore: true });
      await assertRejects(() => page("before=nothing"), OpenAI.BadRequestError);
    }
  });

  await test.step("an item is read and deleted by its id", async () => {
    const { id } = await client.conversations.create({
      items: [{ role: "user", content: "keep" }, { role: "user", content: "drop" }],
    });
    const { data: [drop, keep] } = await client.conversations.items.list(id);
    assert(drop?.id && keep?.id);
    assertEquals((await client.conversations.items.retrieve(keep.id, { conversation_id: id })).id, keep.id);
    assertEquals((await client.conversations.items.delete(drop.id, { conversation_id: id })).id, id);
    assertEquals((await client.conversations.items.list(id)).data.map((item) => item.id), [keep.id]);
    await assertRejects(
      () => client.conversations.items.retrieve(drop.id ?? "", { conversation_id: id }),
      OpenAI.NotFoundError,
    );
  });

  await test.step("responses remember their conversation", async () => {
    const conversation = await client.conversations.create({ items: [{ role: "user", content: "Hello" }] });
    const response = await client.responses.create({ model, input: "Count.", conversation: conversation.id });
    assertEquals(response.output_text, "I see 2 items.");
    assertEquals(response.conversation, { id: conversation.id });
    const again = await client.responses.create({ model, input: "Count.", conversation: conversation.id });
    assertEquals(again.output_text, "I see 4 items.");
    const { data } = await client.conversations.items.list(conversation.id, { order: "asc" });
    assertEquals(data.map((item) => item.type === "message" ? item.role : item.type), [
      "user",
      "user",
      "assistant",
      "user",
      "assistant",
    ]);
  });

  await test.step("responses go on from previous ones, also twice from the same", async () => {
    const first = await client.responses.create({ model, input: "Count." });
    const then = (input: string, id: string) =>
      client.responses.create({ model, input, previous_response_id: id });
    const second = await then("Count.", first.id);
    assertEquals(second.output_text, "I see 3 items.");
    assertEquals((await then("Count.", second.id)).output_text, "I see 5 items.");
    const branch = await then("Count. Otherwise.", first.id);
    assertEquals(branch.output_text, "I see 3 items.");
    assertEquals((await then("Count.", branch.id)).output_text, "I see 5 items.");
  });

  await test.step("a conversation with a run under way takes no other", async () => {
    const { id } = await client.conversations.create();
    server.world.model.hold();
    const first = await client.responses.create({
      model,
      input: "Wait.",
      conversation: id,
      background: true,
    });
    const error = await assertRejects(
      () => client.responses.create({ model, input: "Hello", conversation: id }),
      OpenAI.BadRequestError,
    );
    assertEquals(error.code, "response_not_over");
    server.world.model.release();
    const stream = await client.responses.retrieve(first.id, { stream: true });
    for await (const event of stream) if (event.type === "response.completed") break;
    const next = await client.responses.create({ model, input: "Count.", conversation: id });
    assertEquals(next.output_text, "I see 3 items.");
  });

  await test.step("a conversation that is deleted stays so: what runs or waits in it is cancelled", async () => {
    for (const input of ["Wait.", "pay Bob"]) {
      server.world.model.hold();
      const { id: conversation } = await client.conversations.create();
      const begun = await client.responses.create({ model, input, conversation, background: true });
      const stream = await client.responses.retrieve(begun.id, { stream: true });
      if (input === "Wait.") await client.conversations.delete(conversation);
      let last: OpenAI.Responses.ResponseStreamEvent | undefined;
      for await (const event of stream) last = event;
      assert(last && "response" in last);
      const [request] = last.response.output;
      if (request) {
        assert(request.type === "mcp_approval_request");
        await client.conversations.delete(conversation);
        const answer = {
          type: "mcp_approval_response" as const,
          "approval_request_id": request.id,
          approve: true,
        };
        await assertRejects(
          () => client.responses.create({ model, input: [answer] }),
          OpenAI.BadRequestError,
        );
      } else assertEquals(last.response.status, "cancelled");
      server.world.model.release();
      await assertRejects(() => server.client().conversations.retrieve(conversation), OpenAI.NotFoundError);
    }
    assertEquals(server.world.paid, []);
  });

  await test.step("item references are resolved", async () => {
    const first = await client.responses.create({ model, input: "Hello" });
    const [message] = first.output;
    assert(message?.type === "message");
    const input = [
      { role: "user" as const, content: "Hello" },
      { type: "item_reference" as const, id: message.id },
      { role: "user" as const, content: "Count." },
    ];
    assertEquals((await client.responses.create({ model, input })).output_text, "I see 3 items.");
    const unknown = [{ type: "item_reference" as const, id: `msg_${"0".repeat(32)}_0` }];
    await assertRejects(() => client.responses.create({ model, input: unknown }), OpenAI.NotFoundError);
  });
});
