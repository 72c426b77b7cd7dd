import type { Database, Queryable, Transaction } from "../database/database.ts";
import { ownerIdOf, type Principal } from "./principal.ts";

/**
 * Whose something is, is asked twice: by the condition of every query, and by row level security. Whatever id a
 * caller sends is first looked up in the caller's role and with the caller's claims; that role may read what is its
 * own, and write nothing. What is written then is written by the server, about what was found.
 *
 * The journal is closed to callers altogether: it is read for runs that the caller has been found to own.
 *
 * @returns The claims, as JSON, that `timestep.act_as()` and the functions built on it take: those of a user's token,
 * for an API key its owner's, and the agents that it names; `null` for the service, which sees everything.
 */
export function claimsOf(principal: Principal): string | null {
  if (!("ownerId" in principal)) return null;
  const claims = "claims" in principal ? principal.claims : { timestep_agents: principal.agents };
  return JSON.stringify({ ...claims, sub: principal.ownerId, role: "authenticated" });
}

/**
 * The condition of a query that `timestep.sessions s` is the caller's: the owner's, and of no other agents than the
 * caller's key names. A conversation that no agent was told yet is there for all of the owner's keys.
 *
 * @param first The number of the first of two parameters, which {@linkcode sessionParameters} gives.
 */
export function isCallersSession(first: number): string {
  const [owner, agents] = [`$${first}::text`, `$${first + 1}::text[]`];
  return `(${owner} is null or s.owner_id = ${owner}) and (${agents} is null or s.agents <@ ${agents})`;
}

/** The parameters of {@linkcode isCallersSession}. */
export function sessionParameters(principal: Principal): [ownerId: string | null, agents: string[] | null] {
  const agents = principal.kind === "api_key" ? principal.agents : null;
  return [ownerIdOf(principal), agents && [...agents]];
}

/**
 * Reads as the caller, in a transaction with the caller's role and claims. On a Postgres without Supabase's roles only
 * the conditions of the queries hold.
 *
 * @param body Is given what to query.
 */
export async function readAs<T>(
  database: Database,
  principal: Principal,
  body: (queryable: Queryable) => Promise<T>,
): Promise<T> {
  const claims = claimsOf(principal);
  if (claims === null) return await body(database);
  return await database.transaction(async (transaction: Transaction) => {
    await transaction.query("select timestep.act_as($1)", [claims]);
    return await body(transaction);
  });
}
