import { z } from "zod";
import type { Queryable } from "../../database/database.ts";
import { readJson } from "../_body.ts";
import type { Call } from "../_context.ts";
import { newId } from "../_ids.ts";
import { pageBody, parsePage } from "../_page.ts";
import { invalid } from "../api_error.ts";
import { ownerIdOf } from "../principal.ts";
import { parse, parseMetadata } from "../responses/request.ts";
import {
  CONVERSATION_COLUMNS,
  findConversation,
  lockConversation,
  toConversation,
} from "./conversation_record.ts";
import { addItems, readItem, readItems, removeItem, toSessionItems } from "./items.ts";

const itemsSchema = z.object({ items: z.array(z.record(z.string(), z.unknown())) });

/** Answers `POST /v1/conversations`. */
export async function createConversation(call: Call): Promise<Response> {
  const { context, principal } = call;
  const body = await readJson(call.request, context.limits, {});
  const metadata = parseMetadata(body["metadata"]);
  const items = await toSessionItems(call, parseItems(call, { items: body["items"] ?? [] }));
  const database = await context.database();
  return await database.transaction(async (transaction) => {
    const [row] = await transaction.query(
      `insert into timestep.sessions (session_id, owner_id, metadata) values ($1, $2, $3::text::json)
       returning ${CONVERSATION_COLUMNS}`,
      [newId("conv"), ownerIdOf(principal), JSON.stringify(metadata)],
    );
    const conversation = toConversation(row);
    await addItems(transaction, conversation.id, items);
    return Response.json(conversation);
  });
}

/** Answers `GET /v1/conversations/{id}`. */
export async function getConversation({ context, principal, ids: [id = ""] }: Call): Promise<Response> {
  return Response.json(await findConversation(await context.database(), principal, id));
}

/** Answers `POST /v1/conversations/{id}`: sets the metadata. */
export async function updateConversation(call: Call): Promise<Response> {
  const { context, principal, ids: [id = ""] } = call;
  const body = await readJson(call.request, context.limits);
  if (!Object.hasOwn(body, "metadata")) {
    throw invalid("metadata", "Missing required parameter: 'metadata'.", "missing_required_parameter");
  }
  const parsed = parseMetadata(body["metadata"]);
  const database = await context.database();
  return await database.transaction(async (transaction) => {
    const conversation = await lockConversation(transaction, principal, id);
    await transaction.query(
      "update timestep.sessions set metadata = $2::text::json, updated_at = now() where session_id = $1",
      [id, JSON.stringify(parsed)],
    );
    return Response.json({ ...conversation, metadata: parsed });
  });
}

/**
 * Answers `DELETE /v1/conversations/{id}`. Its responses stay; runs that are under way in it, or wait, are cancelled: what
 * they would say has no place any more.
 */
export async function deleteConversation(call: Call): Promise<Response> {
  const { context, principal, ids: [id = ""] } = call;
  const database = await context.database();
  await findConversation(database, principal, id);
  return await database.transaction(async (transaction) => {
    // Before the conversation is locked, as runs lock it when they end, and then those that have begun meanwhile.
    await cancelRuns(transaction, id);
    await lockConversation(transaction, principal, id);
    await cancelRuns(transaction, id);
    await transaction.query("delete from timestep.sessions where session_id = $1", [id]);
    return Response.json({ id, object: "conversation.deleted", deleted: true });
  });
}

async function cancelRuns(transaction: Queryable, sessionId: string): Promise<void> {
  await transaction.query(
    `select timestep.cancel_run(run_id) from timestep.runs
     where session_id = $1 and status in ('queued', 'running', 'interrupted', 'unknown_outcome')`,
    [sessionId],
  );
}

/** Answers `GET /v1/conversations/{id}/items`. */
export async function listItems({ context, principal, query, ids: [id = ""] }: Call): Promise<Response> {
  const page = parsePage(query);
  const database = await context.database();
  await findConversation(database, principal, id);
  const { items, hasMore } = await readItems(database, principal, id, page);
  return Response.json(pageBody(items, hasMore));
}

/** Answers `POST /v1/conversations/{id}/items`. */
export async function createItems(call: Call): Promise<Response> {
  const { context, principal, ids: [id = ""] } = call;
  const body = await readJson(call.request, context.limits);
  const items = await toSessionItems(call, parseItems(call, body));
  const database = await context.database();
  return await database.transaction(async (transaction) => {
    await lockConversation(transaction, principal, id);
    return Response.json(pageBody(await addItems(transaction, id, items), false));
  });
}

/** Answers `GET /v1/conversations/{id}/items/{item}`. */
export async function getItem({ context, principal, ids: [id = "", itemId = ""] }: Call): Promise<Response> {
  const database = await context.database();
  await findConversation(database, principal, id);
  return Response.json(await readItem(database, principal, id, itemId));
}

/** Answers `DELETE /v1/conversations/{id}/items/{item}` with the conversation. */
export async function deleteItem(
  { context, principal, ids: [id = "", itemId = ""] }: Call,
): Promise<Response> {
  const database = await context.database();
  return await database.transaction(async (transaction) => {
    const conversation = await lockConversation(transaction, principal, id);
    await removeItem(transaction, id, itemId);
    return Response.json(conversation);
  });
}

function parseItems({ context }: Call, body: unknown): Record<string, unknown>[] {
  const { items } = parse(itemsSchema, body);
  const { inputItems } = context.limits;
  if (items.length <= inputItems) return items;
  throw invalid("items", `'items' has ${items.length} items; at most ${inputItems} are accepted.`);
}
