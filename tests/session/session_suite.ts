import {
  Agent,
  type AgentInputItem,
  type SessionHistoryRewriteAwareSession,
  type SessionHistoryTransactionAwareSession,
  setTracingDisabled,
} from "@openai/agents";
import { assistantMessage, functionCall, ScriptedModel } from "@openai/agents-core/testing";
import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { runAgent } from "@timestep-ai/timestep";
import { call, randomItems, say, seededRandom } from "../_items.ts";
import { weather } from "./_weather.ts";

setTracingDisabled(true);

/** A session that implements what a database can. */
export type FullSession = SessionHistoryTransactionAwareSession & SessionHistoryRewriteAwareSession;

/** A kind of session to run the tests on. */
export interface SessionTarget {
  readonly name: string;
  create(sessionId?: string): Promise<FreshSession>;
}

/** An empty session of its own. */
export interface FreshSession extends AsyncDisposable {
  readonly session: FullSession;
}

/** What every session has to do, as tests of one kind. */
export function sessionSuite(target: SessionTarget): void {
  history(target);
  oddItems(target);
  transactions(target);
  runs(target);
}

function history(target: SessionTarget): void {
  Deno.test(`getSessionId() gives the identifier, or a new one when none was given [${target.name}]`, async () => {
    await using named = await target.create("chat-1");
    await using first = await target.create();
    await using second = await target.create();
    assertEquals(await named.session.getSessionId(), "chat-1");
    assertNotEquals(await first.session.getSessionId(), await second.session.getSessionId());
  });

  Deno.test(`getItems() gives the last items, oldest first, when there is a limit [${target.name}]`, async () => {
    await using fresh = await target.create();
    const items = ["one", "two", "three", "four"].map(say);
    assertEquals(await fresh.session.getItems(), []);
    await fresh.session.addItems(items.slice(0, 3));
    await fresh.session.addItems([]);
    await fresh.session.addItems(items.slice(3));
    assertEquals(await fresh.session.getItems(), items);
    assertEquals(await fresh.session.getItems(2), items.slice(2));
    assertEquals(await fresh.session.getItems(100), items);
    assertEquals(await fresh.session.getItems(0), []);
    assertEquals(await fresh.session.getItems(-1), []);
  });

  Deno.test(`popItem() takes the last item until there is none [${target.name}]`, async () => {
    await using fresh = await target.create();
    await fresh.session.addItems(["one", "two"].map(say));
    assertEquals(await fresh.session.popItem(), say("two"));
    await fresh.session.addItems([say("three")]);
    assertEquals(await fresh.session.getItems(), ["one", "three"].map(say));
    assertEquals(await fresh.session.popItem(), say("three"));
    assertEquals(await fresh.session.popItem(), say("one"));
    assertEquals(await fresh.session.popItem(), undefined);
    assertEquals(await fresh.session.getItems(), []);
  });

  Deno.test(`clearSession() removes all items, and the session goes on [${target.name}]`, async () => {
    await using fresh = await target.create("chat-1");
    await fresh.session.clearSession();
    await fresh.session.addItems(["one", "two"].map(say));
    await fresh.session.clearSession();
    assertEquals(await fresh.session.getItems(), []);
    await fresh.session.addItems([say("three")]);
    assertEquals(await fresh.session.getItems(), [say("three")]);
    assertEquals(await fresh.session.getSessionId(), "chat-1");
  });

  Deno.test(`addItems() keeps what it was given when that is changed afterwards [${target.name}]`, async () => {
    await using fresh = await target.create();
    const item = { role: "user" as const, content: "before" };
    await fresh.session.addItems([item]);
    item.content = "after";
    assertEquals(await fresh.session.getItems(), [say("before")]);
  });

  Deno.test(`applyHistoryMutations() replaces a call where it stands, once [${target.name}]`, async () => {
    await using fresh = await target.create();
    const replacement = call("call_1", '{"city":"Oakland"}');
    await fresh.session.addItems([call("call_1"), say("one"), call("call_2"), call("call_1"), say("two")]);
    await fresh.session.applyHistoryMutations({
      mutations: [{ type: "replace_function_call", callId: "call_1", replacement }],
    });
    assertEquals(await fresh.session.getItems(), [replacement, say("one"), call("call_2"), say("two")]);
    await fresh.session.applyHistoryMutations({ mutations: [] });
    assertEquals((await fresh.session.getItems()).length, 4);
  });
}

function oddItems(target: SessionTarget): void {
  const texts: Record<string, string> = {
    "a NUL": "a\0b",
    "lone surrogates": "\ud800 \udc00 \udfff\ud800",
    "an escaped NUL": "\\u0000 \\ud800",
    "quotes, braces and backslashes": `"{a,b}" \\" \\\\ {} NULL '; drop table x; --`,
    "line breaks and control characters": "\r\n\u2028\u2029\u0001\u001f\u007f",
    "astral characters": "🦀👩‍👩‍👧‍👦𝕏",
    "nothing": "",
    "5 MB": 'ä\0"'.repeat(5 * 2 ** 20 / 4),
  };
  for (const [what, text] of Object.entries(texts)) {
    Deno.test(`getItems() gives back items with ${what} as they were [${target.name}]`, async () => {
      await using fresh = await target.create();
      const items: AgentInputItem[] = [
        {
          role: "user",
          content: [{ type: "input_text", text, providerData: { [text.slice(0, 9)]: [text] } }],
        },
        { type: "function_call_result", callId: "c", name: "t", status: "completed", output: text },
      ];
      await fresh.session.addItems(items);
      const stored = await fresh.session.getItems();
      // Compared as a whole first: a difference in 5 MB is not worth printing.
      assert(JSON.stringify(stored) === JSON.stringify(items));
      assertEquals(await fresh.session.popItem() !== undefined, true);
    });
  }

  Deno.test(`getItems() gives back random items as they were [${target.name}]`, async () => {
    await using fresh = await target.create();
    const seed = Math.floor(Math.random() * 2 ** 32);
    const items = randomItems(seededRandom(seed), 200);
    for (let start = 0; start < items.length; start += 7) {
      await fresh.session.addItems(items.slice(start, start + 7));
    }
    assertEquals(JSON.stringify(await fresh.session.getItems()), JSON.stringify(items), `seed ${seed}`);
  });
}

function transactions(target: SessionTarget): void {
  Deno.test(`applyHistoryTransaction() adds items once for each operation id [${target.name}]`, async () => {
    await using fresh = await target.create();
    const add = (operationId: string, ...texts: string[]) =>
      fresh.session.applyHistoryTransaction({
        operationId,
        transaction: { type: "append_items", items: texts.map(say) },
      });
    await add("first", "one", "two");
    await add("second", "three");
    await add("first", "one", "two");
    assertEquals(await fresh.session.getItems(), ["one", "two", "three"].map(say));
    await assertRejects(async () => await add("first", "other"), Error, "applied");
    assertEquals(await fresh.session.getItems(), ["one", "two", "three"].map(say));
  });

  Deno.test(`applyHistoryTransaction() tells the same change from another one by its content [${target.name}]`, async () => {
    await using fresh = await target.create();
    const add = (item: AgentInputItem) =>
      fresh.session.applyHistoryTransaction({
        operationId: "first",
        transaction: { type: "append_items", items: [item] },
      });
    await add({ role: "user", content: "one" });
    await add({ content: "one", role: "user" });
    await assertRejects(async () => await add({ role: "user", content: "two" }));
    assertEquals(await fresh.session.getItems(), [say("one")]);
  });

  Deno.test(`applyHistoryTransaction() replaces the end of the history only when it is as expected [${target.name}]`, async () => {
    await using fresh = await target.create();
    await fresh.session.addItems(["one", "two", "three"].map(say));
    const replace = (operationId: string, expected: string[], replacement: string[]) =>
      fresh.session.applyHistoryTransaction({
        operationId,
        transaction: {
          type: "replace_suffix",
          expectedSuffix: expected.map(say),
          replacement: replacement.map(say),
        },
      });
    await assertRejects(async () => await replace("a", ["two"], ["x"]));
    await assertRejects(async () => await replace("a", ["zero", "one", "two", "three"], ["x"]));
    assertEquals(await fresh.session.getItems(), ["one", "two", "three"].map(say));
    // A refused operation is not applied: its id is still free.
    await replace("a", ["two", "three"], ["x", "y", "z"]);
    await replace("a", ["two", "three"], ["x", "y", "z"]);
    assertEquals(await fresh.session.getItems(), ["one", "x", "y", "z"].map(say));
    await replace("b", [], ["end"]);
    await replace("c", ["z", "end"], []);
    assertEquals(await fresh.session.getItems(), ["one", "x", "y"].map(say));
  });

  Deno.test(`applyHistoryTransaction() needs an operation id [${target.name}]`, async () => {
    await using fresh = await target.create();
    const transaction = { type: "append_items" as const, items: [say("one")] };
    await assertRejects(async () =>
      await fresh.session.applyHistoryTransaction({ operationId: " ", transaction })
    );
    assertEquals(await fresh.session.getItems(), []);
  });

  Deno.test(`clearSession() forgets the operations that were applied [${target.name}]`, async () => {
    await using fresh = await target.create();
    const args = { operationId: "a", transaction: { type: "append_items" as const, items: [say("one")] } };
    await fresh.session.applyHistoryTransaction(args);
    await fresh.session.clearSession();
    await fresh.session.applyHistoryTransaction(args);
    assertEquals(await fresh.session.getItems(), [say("one")]);
  });
}

function runs(target: SessionTarget): void {
  for (const stream of [false, true]) {
    const how = `${stream ? "streaming" : "not streaming"}, ${target.name}`;

    Deno.test(`a run reads the conversation and adds to it [${how}]`, async () => {
      await using fresh = await target.create();
      const model = new ScriptedModel([[assistantMessage("4.")], [assistantMessage("8.")]]);
      const agent = new Agent({ name: "Assistant", model });
      for (const question of ["What's 2+2?", "Twice that?"]) {
        await runAgent(agent, question, fresh.session, stream);
      }
      const [first, second] = model.calls.map(({ request }) => texts(request.input as AgentInputItem[]));
      assertEquals(first, ["What's 2+2?"]);
      assertEquals(second, ["What's 2+2?", "4.", "Twice that?"]);
      assertEquals(texts(await fresh.session.getItems()), ["What's 2+2?", "4.", "Twice that?", "8."]);
    });

    Deno.test(`a run that pauses for an approval leaves neither gaps nor duplicates [${how}]`, async () => {
      await using fresh = await target.create();
      const model = new ScriptedModel([
        [functionCall("get_weather", { city: "Berkeley" }, { callId: "call_1" })],
        [assistantMessage("Sunny.")],
      ]);
      const agent = new Agent({ name: "Assistant", model, tools: [weather()] });
      const paused = await runAgent(agent, "Weather?", fresh.session, stream);
      for (const interruption of paused.interruptions) paused.state.approve(interruption);
      await runAgent(agent, paused.state, fresh.session, stream);
      assertEquals((await fresh.session.getItems()).map((item) => item.type ?? "message"), [
        "message",
        "function_call",
        "function_call_result",
        "message",
      ]);
    });
  }
}

function texts(items: AgentInputItem[]): string[] {
  return items.map((item) => {
    if (!("content" in item) || item.content === undefined) return item.type ?? "";
    if (typeof item.content === "string") return item.content;
    return item.content.map((part) => "text" in part ? String(part.text) : part.type).join("");
  });
}
