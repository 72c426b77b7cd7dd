-- Who may see what. Every row belongs to an owner (a user's id; null: the service itself). The server's own
-- role owns the tables and is not held back; a caller's role may read what is its own and write nothing.
alter table timestep.runs add column if not exists owner_id text;
alter table timestep.sessions add column if not exists owner_id text;
alter table timestep.sessions add column if not exists agents text[] not null default '{}';
comment on column timestep.sessions.agents is 'The agents that had runs in the conversation, where it has an owner.';
create index if not exists runs_owner on timestep.runs (owner_id, created_at desc) where owner_id is not null;
-- Only for who asks for all of them, and says `finished_at is null`: a run is found by its id, also by plans that were made
-- while few runs were under way, and that are kept when there are many.
create index if not exists runs_under_way on timestep.runs (owner_id)
where finished_at is null and status in ('queued', 'running');
create index if not exists sessions_owner on timestep.sessions (owner_id, created_at desc);

-- Supabase has these roles. Elsewhere they are made where that is allowed; without them the module works,
-- only the HTTP interface cannot act under its callers' roles.
do $$
declare
  role_name text;
begin
  foreach role_name in array array['anon', 'authenticated', 'service_role'] loop
    if not exists (select from pg_roles where rolname = role_name) then
      execute format(
        'create role %I nologin %s', role_name, case role_name when 'service_role' then 'bypassrls' else '' end
      );
      execute format('grant %I to current_user', role_name);
    end if;
  end loop;
exception
  when insufficient_privilege or duplicate_object or unique_violation then null;
end
$$;

-- The caller's id from the claims that the server, or PostgREST, has set for this transaction.
create or replace function timestep.caller_id() returns text
language sql stable
set search_path = ''
as $$
  select nullif(current_setting('request.jwt.claims', true), '')::json ->> 'sub'
$$;

-- The agents that the caller may know of, where the caller's key names some; null: all of them.
create or replace function timestep.caller_agents() returns text[]
language sql stable
set search_path = ''
as $$
  select case when json_typeof(claims.agents) = 'array' then array(select json_array_elements_text(claims.agents)) end
  from (select nullif(current_setting('request.jwt.claims', true), '')::json -> 'timestep_agents' as agents) claims
$$;

-- Whose agent has been told a conversation is kept with it, also after the run was removed: a key for one agent does not
-- see what another one said there. Only of runs that are executed: one that is saved adds nothing to a conversation itself.
create or replace function timestep.note_agent_of_session() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  update timestep.sessions s set agents = s.agents || new.agent_name
  where s.session_id = new.session_id and s.owner_id is not null and new.agent_name <> all (s.agents);
  return null;
end
$$;
create or replace trigger runs_note_their_agent after insert on timestep.runs
  for each row when (new.session_id is not null and new.status = 'queued')
  execute function timestep.note_agent_of_session();

-- Makes the rest of the transaction the caller's: its role and its claims, as JSON, so that row level security holds.
-- Null claims are the service's, which sees everything; so does everybody where there is no such role.
-- Returns the role until now, for set_config('role', ..., true) to go back to.
create or replace function timestep.act_as(claims text) returns text
language plpgsql
set search_path = ''
as $$
declare
  former text := current_setting('role');
begin
  if claims is not null and exists (
    select from pg_catalog.pg_roles
    where rolname = 'authenticated' and pg_has_role(current_user, oid, 'member')
  ) then
    perform set_config('request.jwt.claims', claims, true), set_config('role', 'authenticated', true);
  end if;
  return former;
end
$$;

-- Keys for clients that can send only one bearer token. Only the hash is kept.
create table if not exists timestep.api_keys (
  key_id uuid primary key default gen_random_uuid(),
  key_hash bytea not null,
  owner_id text not null,
  agents text[],
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  constraint api_keys_key_hash_is_unique unique (key_hash),
  constraint api_keys_key_hash_is_sha256 check (octet_length(key_hash) = 32),
  constraint api_keys_owner_is_named check (owner_id <> '')
);
comment on column timestep.api_keys.agents is 'The agents that the key may use; null: all of them.';

-- Makes a key and returns it, this once.
create or replace function timestep.create_api_key(
  owner_id text,
  agents text[] default null,
  expires_at timestamptz default null
) returns text
language plpgsql
set search_path = ''
as $$
declare
  api_key text := 'tsk_' || replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '');
begin
  insert into timestep.api_keys (key_hash, owner_id, agents, expires_at)
  values (sha256(convert_to(api_key, 'UTF8')), create_api_key.owner_id, create_api_key.agents, create_api_key.expires_at);
  return api_key;
end
$$;
revoke all on function timestep.create_api_key (text, text[], timestamptz) from public;

-- Row level security on every table: what no policy names, no caller reads.
do $$
declare
  table_name text;
begin
  for table_name in select tablename from pg_tables where schemaname = 'timestep' loop
    execute format('alter table timestep.%I enable row level security', table_name);
  end loop;
  -- Views are looked through with the rights of who asks, should somebody let a caller's role do so.
  if current_setting('server_version_num')::integer >= 150000 then
    for table_name in select viewname from pg_views where schemaname = 'timestep' loop
      execute format('alter view timestep.%I set (security_invoker = true)', table_name);
    end loop;
  end if;

  -- What has an owner itself.
  drop policy if exists runs_are_their_owners on timestep.runs;
  create policy runs_are_their_owners on timestep.runs for select using (
    owner_id = (select timestep.caller_id())
    and ((select timestep.caller_agents()) is null or agent_name = any ((select timestep.caller_agents())::text[]))
  );
  drop policy if exists sessions_are_their_owners on timestep.sessions;
  create policy sessions_are_their_owners on timestep.sessions for select using (
    owner_id = (select timestep.caller_id())
    and ((select timestep.caller_agents()) is null or agents <@ (select timestep.caller_agents()))
  );

  -- What belongs to a run, or to a session.
  foreach table_name in array array['interruptions', 'usage', 'run_events'] loop
    execute format('drop policy if exists %I on timestep.%I', table_name || '_follow_their_run', table_name);
    execute format(
      'create policy %I on timestep.%I for select using (exists (select from timestep.runs r where r.run_id = %I.run_id))',
      table_name || '_follow_their_run', table_name, table_name
    );
  end loop;
  drop policy if exists session_items_follow_their_session on timestep.session_items;
  create policy session_items_follow_their_session on timestep.session_items for select
    using (exists (select from timestep.sessions s where s.session_id = session_items.session_id));

  if exists (select from pg_roles where rolname = 'authenticated') then
    grant usage on schema timestep to authenticated;
    grant select on timestep.runs, timestep.sessions, timestep.session_items, timestep.interruptions,
      timestep.usage, timestep.run_events to authenticated;
  end if;
  if exists (select from pg_roles where rolname = 'service_role') then
    grant usage on schema timestep to service_role;
    grant select on all tables in schema timestep to service_role;
  end if;
end
$$;

insert into timestep.migrations (version) values ('20261121000500') on conflict do nothing;
