// deno-lint-ignore-file camelcase -- the names of OpenAI's API
import { z } from "zod";
import { ApiError, check } from "./errors.ts";
import { checkItem, type Item } from "./items.ts";
import { conversationBody, itemsBody } from "./request.ts";
import type { Conversation, Store, StoredItem } from "./store.ts";

/** `POST /v1/conversations` */
export function createConversation(store: Store, body: unknown): Response {
  const { items, metadata } = check(conversationBody, body ?? {}, "");
  const checked = checkItems(items ?? []);
  const conversation: Conversation = {
    id: store.newId("conv"),
    createdAt: Math.floor(Date.now() / 1000),
    metadata: metadata ?? {},
    items: [],
  };
  store.append(conversation, checked);
  store.conversations.set(conversation.id, conversation);
  return Response.json(describe(conversation));
}

/** `GET /v1/conversations/{id}` */
export function getConversation(store: Store, id: string): Response {
  return Response.json(describe(store.conversation(id)));
}

/** `DELETE /v1/conversations/{id}` */
export function deleteConversation(store: Store, id: string): Response {
  store.conversation(id);
  store.conversations.delete(id);
  return Response.json({ id, object: "conversation.deleted", deleted: true });
}

/** `POST /v1/conversations/{id}/items` */
export function createItems(store: Store, id: string, body: unknown): Response {
  const conversation = store.conversation(id);
  const { items } = check(itemsBody, body, "");
  return Response.json(list(store.append(conversation, checkItems(items)), false));
}

const listQuery = z.object({
  after: z.string().optional(),
  limit: z.coerce.number<string>().int().min(1).max(100).default(20),
  order: z.enum(["asc", "desc"]).default("desc"),
});

/** `GET /v1/conversations/{id}/items?after&limit&order` */
export function listItems(store: Store, id: string, query: URLSearchParams): Response {
  const { items } = store.conversation(id);
  const { after, limit, order } = check(listQuery, Object.fromEntries(query), "");
  const ordered = order === "asc" ? items : items.toReversed();
  const start = after === undefined ? 0 : indexOf(ordered, after) + 1;
  const page = ordered.slice(start, start + limit);
  return Response.json(list(page, start + limit < ordered.length));
}

/** `GET /v1/conversations/{id}/items/{item}` */
export function getItem(store: Store, id: string, itemId: string): Response {
  const { items } = store.conversation(id);
  return Response.json(items[indexOf(items, itemId)]);
}

/** `DELETE /v1/conversations/{id}/items/{item}` */
export function deleteItem(store: Store, id: string, itemId: string): Response {
  const conversation = store.conversation(id);
  conversation.items.splice(indexOf(conversation.items, itemId), 1);
  return Response.json(describe(conversation));
}

function checkItems(items: readonly unknown[]): Item[] {
  return items.map((item, index) => checkItem(item, `items[${index}]`));
}

function indexOf(items: readonly StoredItem[], id: string): number {
  const index = items.findIndex((item) => item.id === id);
  if (index < 0) throw new ApiError(404, `Item with id '${id}' not found.`);
  return index;
}

function describe({ id, createdAt, metadata }: Conversation) {
  return { id, object: "conversation", created_at: createdAt, metadata };
}

function list(data: readonly StoredItem[], has_more: boolean) {
  return { object: "list", data, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null, has_more };
}
