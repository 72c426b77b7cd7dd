import type { Queryable } from "../../mod.ts";

/**
 * Stand-ins for what Supabase's Postgres has and Debian's does not: the Vault, and pg_net, with the signatures of
 * their own. Requests are only taken down here; {@linkcode sendRequests} is pg_net's background worker.
 */
export const EXTENSIONS = `
create schema vault;
create table vault.secrets (
  id uuid primary key default gen_random_uuid(), name text unique, description text not null default '', secret text not null
);
create function vault.create_secret(
  new_secret text, new_name text default null, new_description text default '', new_key_id uuid default null
) returns uuid language sql as $$
  insert into vault.secrets (name, description, secret) values (new_name, new_description, new_secret) returning id
$$;
create view vault.decrypted_secrets as select id, name, description, secret as decrypted_secret from vault.secrets;

create schema net;
create table net.http_request_queue (
  id bigint generated always as identity, method text not null, url text not null, headers jsonb not null,
  body bytea, timeout_milliseconds integer not null
);
create table net._http_response (id bigint, status_code integer, error_msg text);
create function net.http_post(
  url text, body jsonb default '{}', params jsonb default '{}',
  headers jsonb default '{"Content-Type": "application/json"}', timeout_milliseconds integer default 5000
) returns bigint language sql as $$
  insert into net.http_request_queue (method, url, headers, body, timeout_milliseconds)
  values ('POST', http_post.url, http_post.headers, convert_to(http_post.body::text, 'UTF8'), http_post.timeout_milliseconds)
  returning id
$$;`;

/** How often to look for requests, in milliseconds. */
const LOOK_MS = 50;

/**
 * Sends what `net.http_post()` was asked to send, once it is committed, and takes down what was answered.
 *
 * @returns Ends it.
 */
export function sendRequests(database: Queryable): () => Promise<void> {
  const stopped = new AbortController();
  const sending = (async () => {
    while (!stopped.signal.aborted) {
      const rows = await database.query("delete from net.http_request_queue returning *");
      await Promise.all(rows.map(async (row) => {
        const answer = await send(row, stopped.signal);
        await database.query("insert into net._http_response values ($1, $2::int, $3)", [
          row["id"] as string,
          answer.status,
          answer.error,
        ]);
      }));
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  })();
  return async () => {
    stopped.abort();
    await sending;
  };
}

async function send(
  row: Record<string, unknown>,
  stopped: AbortSignal,
): Promise<{ status: number | null; error: string | null }> {
  const timeout = AbortSignal.timeout(Number(row["timeout_milliseconds"]));
  try {
    const response = await fetch(String(row["url"]), {
      method: String(row["method"]),
      headers: row["headers"] as Record<string, string>,
      body: row["body"] as Uint8Array<ArrayBuffer>,
      signal: AbortSignal.any([timeout, stopped]),
    });
    await response.body?.cancel();
    return { status: response.status, error: null };
  } catch (error) {
    return { status: null, error: String(error) };
  }
}
