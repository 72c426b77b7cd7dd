import { OpenAIConversationsSession, type Session } from "@openai/agents";
import { DatabaseSession } from "../session/database_session.ts";
import type { Dispatch } from "./_dispatch.ts";
import { SessionNotDurableError } from "./errors.ts";

/** A session by what another process needs to open it again. */
export interface SessionReference {
  sessionId: string;
  sessionKind: NonNullable<Dispatch["sessionKind"]>;
}

/** Conversations at OpenAI's that this process has opened, by their ids: with a client of their own, perhaps. */
const conversations = new Map<string, WeakRef<Session>>();

/** A conversation at OpenAI's: as this process was given it, else by the default client. */
export function openConversation(sessionId: string): Session {
  return conversations.get(sessionId)?.deref() ??
    new OpenAIConversationsSession({ conversationId: sessionId });
}

/** Callers without types come here, too. */
function nameOf(session: unknown): string {
  const { constructor } = (session ?? {}) as { constructor?: { name?: unknown } };
  return typeof session === "object" && session
    ? `a ${constructor?.name ?? "session"}`
    : JSON.stringify(session);
}

/**
 * How to open a session again elsewhere.
 *
 * @throws {SessionNotDurableError} When its items are only in this process.
 */
export async function referenceSession(session: Session | undefined): Promise<SessionReference | undefined> {
  if (session === undefined) return undefined;
  if (session instanceof DatabaseSession) {
    return { sessionId: await session.getSessionId(), sessionKind: "database" };
  }
  if (session instanceof OpenAIConversationsSession) {
    const sessionId = await session.getSessionId();
    conversations.set(sessionId, new WeakRef(session));
    return { sessionId, sessionKind: "openai_conversations" };
  }
  throw new SessionNotDurableError(
    `Cannot start a durable run with ${nameOf(session)}: another process could not open it again to ` +
      "go on with the run. Use a DatabaseSession or an OpenAIConversationsSession.",
  );
}
