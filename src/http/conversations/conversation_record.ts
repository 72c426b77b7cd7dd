// deno-lint-ignore-file camelcase -- the names of OpenAI's API
import { z } from "zod";
import type { Database, Queryable } from "../../database/database.ts";
import { claimsOf, isCallersSession, readAs, sessionParameters } from "../_access.ts";
import { notFound } from "../api_error.ts";
import { isId } from "../_ids.ts";
import type { Principal } from "../principal.ts";

/** A conversation: a session, as OpenAI writes it. */
export interface Conversation {
  id: string;
  object: "conversation";
  created_at: number;
  metadata: Record<string, string>;
}

const conversationSchema = z.object({
  sessionId: z.string(),
  metadata: z.record(z.string(), z.string()).nullable(),
  createdAt: z.date(),
});

/** The columns of a conversation, of `timestep.sessions`. */
export const CONVERSATION_COLUMNS = 'session_id as "sessionId", metadata, created_at as "createdAt"';

/** Parses a row of {@linkcode CONVERSATION_COLUMNS}. */
export function toConversation(row: unknown): Conversation {
  const { sessionId, metadata, createdAt } = conversationSchema.parse(row);
  const created_at = Math.floor(createdAt.getTime() / 1000);
  return { id: sessionId, object: "conversation", created_at, metadata: metadata ?? {} };
}

/**
 * Finds a conversation that the caller may see.
 *
 * @throws {ApiError} 404 when there is none of this id, or it is somebody else's.
 */
export async function findConversation(
  database: Database,
  principal: Principal,
  id: string,
): Promise<Conversation> {
  if (isId("conv", id)) {
    const [row] = await readAs(database, principal, (queryable) =>
      queryable.query(
        `select ${CONVERSATION_COLUMNS} from timestep.sessions s where session_id = $1 and ${
          isCallersSession(2)
        }`,
        [id, ...sessionParameters(principal)],
      ));
    if (row) return toConversation(row);
  }
  throw notFound("conversation", id);
}

/** Locks a conversation that the caller may change. @throws {ApiError} 404 when there is none such. */
export async function lockConversation(
  transaction: Queryable,
  principal: Principal,
  id: string,
): Promise<Conversation> {
  if (isId("conv", id)) {
    const [row] = await transaction.query(
      `select ${CONVERSATION_COLUMNS} from timestep.lock_session($1, $2) s where ${isCallersSession(3)}`,
      [claimsOf(principal), id, ...sessionParameters(principal)],
    );
    if (row) return toConversation(row);
  }
  throw notFound("conversation", id);
}
