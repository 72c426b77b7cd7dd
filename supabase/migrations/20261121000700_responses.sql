-- What the HTTP interface adds to runs. A response is one segment of a run: from its input to its end or its pause.
-- What it says is not kept here: it follows from the run's journal and events.
create table if not exists timestep.responses (
  response_id text primary key,
  number bigint generated always as identity,
  run_id text not null,
  segment integer not null,
  owner_id text,
  agent_name text not null,
  session_id text not null,
  history_length bigint not null,
  previous_response_id text,
  conversation_id text,
  input json not null,
  metadata json not null,
  background boolean not null,
  idempotency_key text,
  request_hash text not null,
  still_pending integer[],
  created_at timestamptz not null default now(),
  deleted_at timestamptz,
  constraint responses_run_fkey foreign key (run_id) references timestep.runs (run_id) on delete cascade,
  constraint responses_segment_is_not_negative check (segment >= 0)
);
comment on column timestep.responses.still_pending is
  'Where only some of a paused run''s approvals were decided: which ones, counted from 0, were still open. Null otherwise.';
comment on column timestep.responses.history_length is 'The next position of the conversation when the response began.';
comment on column timestep.responses.input is 'The request''s items as they came, without those that only repeat history.';

-- One response a segment, and one a key.
create unique index if not exists responses_segment on timestep.responses (run_id, segment) where still_pending is null;
create unique index if not exists responses_idempotency_key
  on timestep.responses (coalesce(owner_id, ''), idempotency_key) where idempotency_key is not null;
create index if not exists responses_session on timestep.responses (session_id, number);
create index if not exists responses_request on timestep.responses (request_hash, created_at);
create index if not exists responses_previous
  on timestep.responses (previous_response_id) where previous_response_id is not null;

alter table timestep.sessions add column if not exists metadata json;

alter table timestep.responses enable row level security;
drop policy if exists responses_are_their_owners on timestep.responses;
create policy responses_are_their_owners on timestep.responses for select
  using (owner_id = (select timestep.caller_id()));

do $$
begin
  if exists (select from pg_roles where rolname = 'authenticated') then
    grant select on timestep.responses to authenticated;
  end if;
  if exists (select from pg_roles where rolname = 'service_role') then
    grant select on timestep.responses to service_role;
  end if;
end
$$;

insert into timestep.migrations (version) values ('20261121000700') on conflict do nothing;
