import type { Database, Queryable } from "../database/database.ts";
import type { Principal } from "./principal.ts";

const roleGranted = new WeakMap<Database, Promise<boolean>>();

/**
 * Reads as the caller: in a transaction with the caller's role and claims, so that row level security holds even
 * where a query forgets the owner. The service reads everything.
 *
 * @param body Is given what to query.
 */
export async function readAs<T>(
  database: Database,
  principal: Principal,
  body: (queryable: Queryable) => Promise<T>,
): Promise<T> {
  if (!("ownerId" in principal)) return await body(database);
  if (!(await mayTakeRole(database))) return await body(database);
  const claims = JSON.stringify({
    ...("claims" in principal ? principal.claims : {}),
    sub: principal.ownerId,
    role: "authenticated",
  });
  return await database.transaction(async (transaction) => {
    await transaction.query(
      "select set_config('request.jwt.claims', $1, true), set_config('role', 'authenticated', true)",
      [claims],
    );
    return await body(transaction);
  });
}

/** Whether the server's role may act as its callers' role; on a Postgres without Supabase's roles it may not be there. */
function mayTakeRole(database: Database): Promise<boolean> {
  let granted = roleGranted.get(database);
  if (!granted) {
    granted = database.query(
      "select coalesce((select pg_has_role(current_user, oid, 'member') from pg_roles where rolname = 'authenticated'), false) as granted",
    ).then(([row]) => row?.["granted"] === true);
    granted.catch(() => roleGranted.delete(database));
    roleGranted.set(database, granted);
  }
  return granted;
}
