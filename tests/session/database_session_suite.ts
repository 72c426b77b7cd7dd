import type { AgentInputItem } from "@openai/agents";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DatabaseSession, SessionHistoryError } from "../../mod.ts";
import type { FreshDatabase, TestDatabase } from "../_databases.ts";
import { say } from "../_items.ts";
import { sessionSuite } from "./session_suite.ts";

/** What a `DatabaseSession` has to do, as tests of one engine. */
export function databaseSessionSuite(target: TestDatabase): void {
  sessionSuite({
    name: target.engine,
    async create(sessionId) {
      const fresh = await target.create();
      return {
        session: new DatabaseSession({ sessionId, database: fresh.database }),
        [Symbol.asyncDispose]: () => fresh[Symbol.asyncDispose](),
      };
    },
  });
  identity(target);
  writersAtOnce(target);
  storage(target);
}

function identity({ engine, create }: TestDatabase): void {
  Deno.test(`DatabaseSession() opens the database it is told of, and closes only that [${engine}]`, async () => {
    await using fresh = await create();
    {
      await using session = new DatabaseSession({ sessionId: "a", connectionString: fresh.connectionString });
      await session.addItems([say("one")]);
    }
    const session = new DatabaseSession({ sessionId: "a", database: fresh.database });
    assertEquals(await session.getItems(), [say("one")]);
    await session.close();
    await session.close();
    assertEquals(await fresh.database.query("select 1 as one"), [{ one: 1 }]);
  });

  Deno.test(`DatabaseSession() keeps conversations of different identifiers apart [${engine}]`, async () => {
    await using fresh = await create();
    const [a, b] = sessions(fresh, ["a", "b"]);
    await a.addItems([say("one")]);
    await b.addItems([say("two")]);
    await a.clearSession();
    assertEquals([await a.getItems(), await b.getItems()], [[], [say("two")]]);
  });

  Deno.test(`DatabaseSession() takes the longest of identifiers, and refuses an empty one [${engine}]`, async () => {
    assertThrows(() => new DatabaseSession({ sessionId: "" }), TypeError, "sessionId");
    // Where types are not checked.
    for (const wrong of ["a", null, 42]) {
      assertThrows(
        () => new DatabaseSession(wrong as unknown as { sessionId: string }),
        TypeError,
        "{ sessionId }",
      );
    }
    await using fresh = await create();
    // Random, so that it can't be compressed.
    const random = Array.from({ length: 28 }, () => crypto.randomUUID()).join("").slice(0, 1000);
    const [session] = sessions(fresh, [random]);
    const transaction = { type: "append_items" as const, items: [say("one")] };
    await session.applyHistoryTransaction({ operationId: random, transaction });
    assertEquals(await session.getItems(), [say("one")]);
  });
}

function writersAtOnce({ engine, create }: TestDatabase): void {
  Deno.test(`addItems() keeps the items of a call together when many write at once [${engine}]`, async () => {
    await using fresh = await create();
    const writers = sessions(fresh, Array.from({ length: 8 }, () => "shared"));
    const batch = (writer: number, round: number) =>
      [0, 1, 2].map((part) => say(`${writer} ${round} ${part}`));
    await Promise.all(writers.map(async (session, writer) => {
      for (let round = 0; round < 5; round++) await session.addItems(batch(writer, round));
    }));
    const [reader] = sessions(fresh, ["shared"]);
    const items = await reader.getItems();
    assertEquals(items.length, 8 * 5 * 3);
    const rounds = new Map<number, number>();
    for (let start = 0; start < items.length; start += 3) {
      const [writer = NaN] = text(items[start]).split(" ").map(Number);
      const round = rounds.get(writer) ?? 0;
      assertEquals(items.slice(start, start + 3), batch(writer, round));
      rounds.set(writer, round + 1);
    }
  });

  Deno.test(`popItem() gives every item once when many take at once [${engine}]`, async () => {
    await using fresh = await create();
    const takers = sessions(fresh, Array.from({ length: 6 }, () => "shared"));
    const items = Array.from({ length: 10 }, (_, index) => say(`${index}`));
    await takers[0]?.addItems(items);
    const taken = await Promise.all(takers.flatMap((session) => [session.popItem(), session.popItem()]));
    const byText = (a: AgentInputItem | undefined, b: AgentInputItem | undefined) =>
      text(a) < text(b) ? -1 : 1;
    assertEquals(taken.filter((item) => item !== undefined).sort(byText), items.sort(byText));
  });

  Deno.test(`applyHistoryTransaction() applies a change once when many try at once [${engine}]`, async () => {
    await using fresh = await create();
    const writers = sessions(fresh, Array.from({ length: 6 }, () => "shared"));
    const transaction = { type: "append_items" as const, items: [say("one"), say("two")] };
    await Promise.all(
      writers.map((session) => session.applyHistoryTransaction({ operationId: "op", transaction })),
    );
    assertEquals(await writers[0]?.getItems(), transaction.items);
  });

  Deno.test(`applyHistoryTransaction() records no operation of an unknown kind [${engine}]`, async () => {
    await using fresh = await create();
    const [session] = sessions(fresh, ["a"]);
    const append = { type: "append_items" as const, items: [say("one")] };
    for (const unknown of [{ ...append, type: "prepend_items" }, undefined]) {
      const transaction = unknown as unknown as typeof append;
      await assertRejects(
        () => session.applyHistoryTransaction({ operationId: "o", transaction }),
        TypeError,
      );
    }
    await session.applyHistoryTransaction({ operationId: "o", transaction: append });
    assertEquals(await session.getItems(), [say("one")]);
  });

  Deno.test(`clearSession() removes whole calls of addItems() when both come at once [${engine}]`, async () => {
    await using fresh = await create();
    const [writer, clearer] = sessions(fresh, ["shared", "shared"]);
    const batch = (round: number) => [say(`${round} a`), say(`${round} b`)];
    for (let round = 0; round < 10; round++) {
      await Promise.all([writer.addItems(batch(round)), clearer.clearSession()]);
      const left = await writer.getItems();
      assertEquals(left, left.length === 0 ? [] : batch(round));
    }
  });
}

function storage({ engine, create }: TestDatabase): void {
  Deno.test(`getItems() rejects with SessionHistoryError when a row holds no item [${engine}]`, async () => {
    for (const stored of ["42", "null", '"text"', "[]", "{}", '{"content":"x"}']) {
      await using fresh = await create();
      const [session] = sessions(fresh, ["a"]);
      await session.addItems([say("one"), say("two")]);
      const damage = "update timestep.session_items set item = $1::text::json where position = 1";
      await fresh.database.query(damage, [stored]);
      const error = await assertRejects(() => session.getItems(), SessionHistoryError, 'session "a"');
      assertEquals(error.code, "session_item_malformed");
      // Nothing was lost by trying.
      assertEquals((await fresh.database.query("select from timestep.session_items")).length, 2);
    }
  });

  Deno.test(`addItems() adds none of the items when one cannot be stored [${engine}]`, async () => {
    await using fresh = await create();
    const [session] = sessions(fresh, ["a"]);
    for (const image of [new Uint8Array(3), new Float32Array(3), new ArrayBuffer(3), new Blob(["x"])]) {
      const binary = { role: "user", content: [{ type: "input_image", image }] };
      await assertRejects(
        () => session.addItems([say("one"), binary as unknown as AgentInputItem]),
        TypeError,
        "binary",
      );
    }
    assertEquals(await session.getItems(), []);
  });

  Deno.test(`addItems() adds none of the items when one could not be read again [${engine}]`, async () => {
    await using fresh = await create();
    const [session] = sessions(fresh, ["a"]);
    const hidden = { ...say("two"), toJSON: () => null };
    for (const wrong of [null, "text", 42, {}, { content: "x" }, () => {}, hidden]) {
      const items = [say("one"), wrong as unknown as AgentInputItem];
      await assertRejects(() => session.addItems(items), TypeError, "item 1");
    }
    for (const wrong of [null, "text", { 0: say("one") }]) {
      await assertRejects(() => session.addItems(wrong as unknown as AgentInputItem[]), TypeError, "list");
    }
    assertEquals(await session.getItems(), []);
  });

  Deno.test(`getItems() rejects with RangeError when the limit is no whole number [${engine}]`, async () => {
    await using fresh = await create();
    const [session] = sessions(fresh, ["a"]);
    for (const limit of [NaN, Infinity, 1.5]) {
      await assertRejects(() => session.getItems(limit), RangeError, `limit is ${limit}`);
    }
  });

  Deno.test(`addItemsWithin() adds nothing when the transaction is rolled back [${engine}]`, async () => {
    await using fresh = await create();
    const [session] = sessions(fresh, ["a"]);
    const rolledBack = fresh.database.transaction(async (transaction) => {
      await session.addItemsWithin(transaction, [say("one")]);
      throw new Error("Changed my mind");
    });
    await assertRejects(() => rolledBack, Error, "Changed my mind");
    await fresh.database.transaction((transaction) => session.addItemsWithin(transaction, [say("two")]));
    assertEquals(await session.getItems(), [say("two")]);
  });

  Deno.test(`replaceHistoryWithCompaction() puts the items in the place of all others [${engine}]`, async () => {
    await using fresh = await create();
    const [session] = sessions(fresh, ["a"]);
    await session.addItems(["one", "two", "three"].map(say));
    const compacted: AgentInputItem[] = [{ type: "compaction", encrypted_content: "..." }, say("three")];
    await session.replaceHistoryWithCompaction(compacted);
    await session.addItems([say("four")]);
    assertEquals(await session.getItems(), [...compacted, say("four")]);
  });

  Deno.test(`addItems() is one statement and rewrites no row, whatever the length [${engine}]`, async () => {
    await using fresh = await create();
    const statements: string[] = [];
    const watched = { ...spy(fresh, statements), engine: fresh.database.engine };
    const session = new DatabaseSession({ sessionId: "a", database: watched });
    for (let round = 0; round < 20; round++) await session.addItems([say("one"), say("two")]);
    assertEquals(statements.length, 20);
    // Every row still is of the transaction that added it.
    const [{ transactions } = {}] = await fresh.database.query(
      "select count(distinct xmin::text)::int as transactions from timestep.session_items where session_id = 'a'",
    );
    assertEquals(transactions, 20);
  });
}

/** One session for each identifier, in the order given. */
function sessions<const TIds extends readonly string[]>(
  { database }: FreshDatabase,
  ids: TIds,
): { [index in keyof TIds]: DatabaseSession } {
  const made = ids.map((sessionId) => new DatabaseSession({ sessionId, database }));
  return made as { [index in keyof TIds]: DatabaseSession };
}

/** The database, noting what it is asked. */
function spy({ database }: FreshDatabase, statements: string[]): Omit<FreshDatabase["database"], "engine"> {
  return {
    query: (text, parameters) => {
      statements.push(text);
      return database.query(text, parameters);
    },
    script: (sql) => database.script(sql),
    transaction: (body) => {
      statements.push("transaction");
      return database.transaction(body);
    },
    close: () => database.close(),
  };
}

function text(item: AgentInputItem | undefined): string {
  return item && "content" in item && typeof item.content === "string" ? item.content : "";
}
