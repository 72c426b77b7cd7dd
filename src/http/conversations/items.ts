import type { AgentInputItem } from "@openai/agents";
import type { Database, Queryable, Row } from "../../database/database.ts";
import { isCallersSession, readAs, sessionParameters } from "../_access.ts";
import type { Call } from "../_context.ts";
import type { PageOptions } from "../_page.ts";
import { invalid, notFound } from "../api_error.ts";
import { parseItemId } from "../_ids.ts";
import type { Principal } from "../principal.ts";
import { readerOf } from "../responses/read_response.ts";
import { findItem } from "../responses/find_item.ts";
import { resolveReferences, toAgentInput } from "../responses/input.ts";
import type { WireItem } from "../responses/wire.ts";
import { toConversationItem } from "./conversation_item.ts";

/** Translates what a caller adds to a conversation into the Agents SDK's items. */
export async function toSessionItems(
  call: Call,
  items: readonly Record<string, unknown>[],
): Promise<AgentInputItem[]> {
  const reader = await readerOf(call);
  const { bodyBytes } = call.context.limits;
  const resolved = await resolveReferences(items, (id) => findItem(reader, id), bodyBytes, "items");
  return toAgentInput(resolved, call.principal, "items");
}

/** Adds items at the end of a conversation, whose row is locked. */
export async function addItems(
  transaction: Queryable,
  sessionId: string,
  items: readonly AgentInputItem[],
): Promise<WireItem[]> {
  const rows = await transaction.query(ADD, [sessionId, items.map((item) => JSON.stringify(item))]);
  return rows.map((row) => toItem(row, sessionId));
}

const ADD = `
with places as (
  update timestep.sessions
  set next_position = next_position + cardinality($2::text[]), updated_at = now()
  where session_id = $1 returning next_position - cardinality($2::text[]) as first
), added as (
  insert into timestep.session_items (session_id, position, item)
  select $1, places.first + added.number - 1, added.item::json
  from places, unnest($2::text[]) with ordinality as added (item, number)
  returning position, item
)
select position, item from added order by position`;

/** A page of a conversation's items, and whether there are more. */
export async function readItems(
  database: Database,
  principal: Principal,
  sessionId: string,
  { after, before, limit, order }: PageOptions,
): Promise<{ items: WireItem[]; hasMore: boolean }> {
  const [start, end] = [after, before].map((id) => id === null ? null : positionOf(id, sessionId));
  if (after !== null && start === null) throw invalid("after", `No item found with id '${after}'.`);
  if (before !== null && end === null) throw invalid("before", `No item found with id '${before}'.`);
  const [later, earlier] = order === "asc" ? [">", "<"] : ["<", ">"];
  const isBackwards = before !== null && after === null;
  const rows = await readAs(database, principal, (queryable) =>
    queryable.query(
      `select i.position, i.item from timestep.session_items i join timestep.sessions s using (session_id)
       where s.session_id = $1 and ${isCallersSession(2)}
         and ($4::bigint is null or i.position ${later} $4::bigint)
         and ($5::bigint is null or i.position ${earlier} $5::bigint)
       order by i.position ${(order === "asc") === isBackwards ? "desc" : "asc"} limit $6::int`,
      [sessionId, ...sessionParameters(principal), start ?? null, end ?? null, limit + 1],
    ));
  const items = rows.slice(0, limit).map((row) => toItem(row, sessionId));
  return { items: isBackwards ? items.toReversed() : items, hasMore: rows.length > limit };
}

/** Reads one item. @throws {ApiError} 404 when it is not there. */
export async function readItem(
  database: Database,
  principal: Principal,
  sessionId: string,
  id: string,
): Promise<WireItem> {
  const position = positionOf(id, sessionId);
  const [row] = position === null ? [] : await readAs(database, principal, (queryable) =>
    queryable.query(
      `select i.position, i.item from timestep.session_items i join timestep.sessions s using (session_id)
       where s.session_id = $1 and ${isCallersSession(2)} and i.position = $4::bigint`,
      [sessionId, ...sessionParameters(principal), position],
    ));
  if (row) return toItem(row, sessionId);
  throw notFound("item", id);
}

/** Removes one item of a conversation, whose row is locked. @throws {ApiError} 404 when it is not there. */
export async function removeItem(transaction: Queryable, sessionId: string, id: string): Promise<void> {
  const position = positionOf(id, sessionId);
  const [row] = position === null ? [] : await transaction.query(
    "delete from timestep.session_items where session_id = $1 and position = $2::bigint returning position",
    [sessionId, position],
  );
  if (!row) throw notFound("item", id);
}

function positionOf(id: string, sessionId: string): number | null {
  const place = parseItemId(id);
  return place && sessionId === `conv_${place.hex}` ? place.place : null;
}

function toItem({ item, position }: Row, sessionId: string): WireItem {
  return toConversationItem(item, sessionId, Number(position));
}
