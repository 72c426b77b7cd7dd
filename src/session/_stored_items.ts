import type { AgentInputItem } from "@openai/agents";
import type { Parameter, Queryable } from "../database/database.ts";
import { SessionHistoryError } from "./session_history_error.ts";

/**
 * Items as one JSON array. NULs and lone surrogates are escaped in it, and stored as such.
 *
 * @throws {TypeError} When something is not an item, or holds what JSON cannot: one that could not be read would keep
 * all others from being read.
 */
export function itemsToJson(items: readonly AgentInputItem[]): string {
  if (!Array.isArray(items)) {
    throw new TypeError(`Cannot add items to a session: ${String(items)} is no list of them`);
  }
  return JSON.stringify(items, function (key, value) {
    // Of what is stored, not of what was given: an object may say by toJSON() what that is.
    if (this === items && !isItem(value)) {
      throw new TypeError(
        `Cannot add item ${key} to a session: it is neither a message (with a role) nor of any other type`,
      );
    }
    return this === items ? value : refuseBinary(this, key, value);
  });
}

/** Adds items at the end, in one statement. */
export async function appendItems(
  queryable: Queryable,
  sessionId: string,
  items: readonly AgentInputItem[],
): Promise<void> {
  const json = itemsToJson(items);
  if (items.length === 0) return;
  await queryable.query("select timestep.append_session_items($1, $2::text::json)", [sessionId, json]);
}

/** The last `limit` items, or all, in the order in which they were added. */
export async function readItems(
  queryable: Queryable,
  sessionId: string,
  limit: number | null,
): Promise<AgentInputItem[]> {
  const parameters: Parameter[] = limit === null ? [sessionId] : [sessionId, limit];
  const rows = await queryable.query(limit === null ? ALL : LAST, parameters);
  return rows.map(({ item, position }) => toItem(item, sessionId, position));
}

const ALL = `select item, position from timestep.session_items where session_id = $1 order by position`;
const LAST = `
select item, position from (
  select item, position from timestep.session_items where session_id = $1 order by position desc limit $2::bigint
) as last order by position`;

/** Removes the last `count` items and returns them, oldest first. The session must be locked. */
export async function takeItems(
  queryable: Queryable,
  sessionId: string,
  count: number,
): Promise<AgentInputItem[]> {
  const rows = await queryable.query(TAKE, [sessionId, count]);
  return rows.map(({ item, position }) => toItem(item, sessionId, position));
}

const TAKE = `
with taken as (
  delete from timestep.session_items where session_id = $1 and position >= (
    select min(position) from (
      select position from timestep.session_items where session_id = $1 order by position desc limit $2::bigint
    ) as last
  ) returning item, position
)
select item, position from taken order by position`;

/** Keeps other writers out of the session until the transaction ends. Makes the session when there is none. */
export async function lockSession(queryable: Queryable, sessionId: string): Promise<void> {
  await queryable.query(
    `insert into timestep.sessions (session_id) values ($1)
     on conflict (session_id) do update set updated_at = now()`,
    [sessionId],
  );
}

function toItem(item: unknown, sessionId: string, position: unknown): AgentInputItem {
  if (isItem(item)) return item;
  throw new SessionHistoryError(
    "session_item_malformed",
    `Cannot read item ${position} of session "${sessionId}": it is neither a message nor of any other type. ` +
      "Correct or delete its row in timestep.session_items.",
  );
}

/** Its fields are for the model's adapter to judge. */
function isItem(item: unknown): item is AgentInputItem {
  return typeof item === "object" && item !== null && ("type" in item || "role" in item);
}

function refuseBinary(holder: unknown, key: string, value: unknown): unknown {
  // Read from the holder: a Buffer has been turned into an object by its toJSON() before it gets here.
  const original = Reflect.get(Object(holder), key);
  if (ArrayBuffer.isView(original) || original instanceof ArrayBuffer || original instanceof Blob) {
    throw new TypeError(`Cannot store the binary data in "${key}" of an item: give it as a base64 data URL`);
  }
  return value;
}
