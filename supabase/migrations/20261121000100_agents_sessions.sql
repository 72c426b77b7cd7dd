-- Agent definitions: one row for each distinct graph that was ever run under a name.
create table if not exists timestep.agents (
  agent_name text not null,
  fingerprint text not null,
  definition json not null,
  created_at timestamptz not null default now(),
  constraint agents_pkey primary key (agent_name, fingerprint)
);
comment on table timestep.agents is 'Agent definitions and configurations: names, models, tools, handoffs.';

-- Conversations. Items are rows that are added and never rewritten; next_position hands out their order.
create table if not exists timestep.sessions (
  session_id text primary key,
  next_position bigint not null default 0,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint sessions_next_position_is_not_negative check (next_position >= 0)
);

create table if not exists timestep.session_items (
  session_id text not null,
  position bigint not null,
  item json not null,
  created_at timestamptz not null default now(),
  constraint session_items_pkey primary key (session_id, position),
  constraint session_items_session_fkey foreign key (session_id)
    references timestep.sessions (session_id) on delete cascade
);

-- Adds items, a JSON array, at the end of a session. The session's row hands out their places, to one writer at a time.
create or replace function timestep.append_session_items(session_id text, items json) returns boolean
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
declare
  added integer := json_array_length(items);
  last bigint;
begin
  if added = 0 then
    return true;
  end if;
  insert into timestep.sessions as s (session_id, next_position)
  values (append_session_items.session_id, added)
  on conflict on constraint sessions_pkey do update
    set next_position = s.next_position + excluded.next_position, updated_at = now()
  returning next_position - 1 into last;
  insert into timestep.session_items (session_id, position, item)
  select append_session_items.session_id, last - added + a.number, a.item
  from json_array_elements(items) with ordinality as a (item, number);
  return true;
end
$$;

-- Writes to a session that have an identity: the same operation again changes nothing.
create table if not exists timestep.session_operations (
  session_id text not null,
  operation_id text not null,
  fingerprint text not null,
  created_at timestamptz not null default now(),
  constraint session_operations_pkey primary key (session_id, operation_id),
  constraint session_operations_session_fkey foreign key (session_id)
    references timestep.sessions (session_id) on delete cascade
);

insert into timestep.migrations (version) values ('20261121000100') on conflict do nothing;
