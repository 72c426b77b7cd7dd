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

-- One response a segment, beside those that say what is still open, and one a key. Of all responses, as those of a run
-- that is removed are looked for by it.
create unique index if not exists responses_segment
  on timestep.responses (run_id, segment, (case when still_pending is null then 0 else number end));
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
  using (
    owner_id = (select timestep.caller_id())
    and exists (select from timestep.runs r where r.run_id = responses.run_id)
  );

-- What callers are told is looked up by these functions, as the caller: in one round trip, and no row comes out that
-- row level security does not let through. With null claims, the service's, everything does.

-- A response by its id; or the one that a request with this idempotency key made; or the last one within ten minutes
-- that an equal request made.
create or replace function timestep.find_response(
  claims text,
  response_id text,
  idempotency_key text default null,
  request_hash text default null
) returns setof timestep.responses
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
declare
  former text := timestep.act_as(claims);
begin
  if find_response.response_id is not null then
    return query select r.* from timestep.responses r where r.response_id = find_response.response_id;
  elsif find_response.idempotency_key is not null then
    return query select r.* from timestep.responses r
    where coalesce(r.owner_id, '') = coalesce(claims::json ->> 'sub', '')
      and r.idempotency_key = find_response.idempotency_key;
  else
    return query select r.* from timestep.responses r
    where r.request_hash = find_response.request_hash and r.created_at > now() - interval '10 minutes'
      and r.owner_id is not distinct from (claims::json ->> 'sub')
    order by r.number desc limit 1;
  end if;
  perform set_config('role', former, true);
end
$$;

-- A session, locked until the transaction is over; no row when the caller may not see it.
create or replace function timestep.lock_session(claims text, session_id text) returns setof timestep.sessions
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
declare
  former text := timestep.act_as(claims);
  is_seen boolean;
begin
  is_seen := exists (select from timestep.sessions s where s.session_id = lock_session.session_id);
  perform set_config('role', former, true);
  if is_seen then
    return query select s.* from timestep.sessions s where s.session_id = lock_session.session_id for update;
  end if;
end
$$;

-- How a segment of a run ended, and what it waited for; null when the caller may not see the run.
create or replace function timestep.read_segment(claims text, run_id text, segment integer) returns json
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
declare
  former text := timestep.act_as(claims);
  told json;
begin
  select json_build_object(
    'status', r.status,
    'finalOutput', r.final_output,
    'error', r.error,
    'finishedAtMs', (extract(epoch from r.finished_at) * 1000)::bigint,
    -- Requests for approvals are called by the response that has the segment.
    'responseId', coalesce((
      select p.response_id from timestep.responses p
      where p.run_id = r.run_id and p.segment = read_segment.segment and p.still_pending is null
    ), r.run_id),
    'callerTools', r.options -> 'callerTools',
    'interruptions', (
      select coalesce(json_agg(json_build_object(
        'interruptionId', i.interruption_id,
        'agentName', i.agent_name,
        'callId', i.call_id,
        'toolName', i.tool_name,
        'arguments', i.arguments,
        'status', i.status,
        'message', i.message,
        'createdAtMs', (extract(epoch from i.created_at) * 1000)::bigint
      ) order by i.interruption_id), '[]')
      from timestep.interruptions i
      where i.run_id = r.run_id and i.segment = read_segment.segment
    )
  ) into told
  from timestep.runs r where r.run_id = read_segment.run_id;
  perform set_config('role', former, true);
  return told;
end
$$;

-- How many runs an owner has under way, and has begun within a minute, for deciding about one more: who else wants
-- to decide about the same owner waits until this transaction is over.
create or replace function timestep.count_runs(owner_id text) returns table (active integer, recent integer)
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
begin
  perform pg_advisory_xact_lock(hashtextextended(
    json_build_array('timestep.count_runs', count_runs.owner_id)::text, 0
  ));
  return query select
    (select count(*)::integer from timestep.runs r
      where r.owner_id = count_runs.owner_id and r.finished_at is null and r.status in ('queued', 'running')),
    (select count(*)::integer from timestep.runs r
      where r.owner_id = count_runs.owner_id and r.created_at > now() - interval '1 minute');
end
$$;

-- Starts a run with the response to it, in one transaction: the first ten parameters are start_run()'s. A session that
-- is new is made; any other one the caller has locked. Null limits: none. Returns what the run is then, or which limit
-- it would exceed, `recent` or `active`, as JSON: with columns, a row would be put aside first, and read from there.
create or replace function timestep.start_response(
  run_id text,
  agent_name text,
  agent_fingerprint text,
  definition text,
  session_id text,
  owner_id text,
  run_input text,
  options text,
  dispatch text,
  executor_id text,
  owner_token text,
  application_version text,
  session_is_new boolean,
  previous_response_id text,
  conversation_id text,
  input text,
  metadata text,
  background boolean,
  idempotency_key text,
  request_hash text,
  max_active integer,
  max_recent integer
) returns json
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
declare
  counted record;
  state text;
  history_length bigint := 0;
  started json;
begin
  if max_active is not null then
    select * into counted from timestep.count_runs(owner_id);
    state := case
      when counted.recent >= max_recent then 'recent' when counted.active >= max_active then 'active'
    end;
    if state is not null then
      return json_build_object('state', state);
    end if;
  end if;
  if session_is_new then
    insert into timestep.sessions (session_id, owner_id, agents)
    values (start_response.session_id, start_response.owner_id, array[start_response.agent_name]);
  else
    select s.next_position into history_length from timestep.sessions s
    where s.session_id = start_response.session_id;
  end if;
  state := timestep.start_run(
    run_id, agent_name, agent_fingerprint, definition, session_id, owner_id, run_input, options, dispatch, null,
    executor_id, owner_token, application_version
  );
  insert into timestep.responses as r (
    response_id, run_id, segment, owner_id, agent_name, session_id, previous_response_id, conversation_id, input,
    metadata, background, idempotency_key, request_hash, history_length
  ) values (
    start_response.run_id, start_response.run_id, 0, start_response.owner_id, start_response.agent_name,
    start_response.session_id, start_response.previous_response_id, start_response.conversation_id,
    start_response.input::json, start_response.metadata::json, start_response.background,
    start_response.idempotency_key, start_response.request_hash, history_length
  )
  returning json_build_object('state', state, 'number', r.number, 'createdAt', r.created_at) into started;
  return started;
end
$$;

-- What is new of runs, for many readers at once: for each, by its place in the arrays, first a row that says what the
-- run is doing, and how the reader's segment ended if it has; then the entries of its stream after a position, at most
-- so many. They are read after it, so that what a run that has ended has written is among them.
create or replace function timestep.read_news(
  run_ids text[],
  owner_ids text[],
  claims text[],
  segments integer[],
  positions bigint[],
  page integer
) returns table (
  place bigint,
  run_status text,
  run_segment integer,
  ended json,
  "position" bigint,
  kind text,
  step text,
  attempt integer,
  events json,
  status text,
  name text,
  output json
)
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
declare
  reader record;
begin
  -- Run by run, so that the plans need not be made again for each number of them.
  for reader in
    select * from unnest(run_ids, owner_ids, claims, segments, positions) with ordinality
      as u (run_id, owner_id, claims, segment, after, place)
  loop
    select r.status, r.segment into run_status, run_segment
    from timestep.runs r where r.run_id = reader.run_id and coalesce(r.owner_id, '') = reader.owner_id;
    continue when not found;
    place := reader.place;
    ended := case when run_segment > reader.segment or run_status not in ('queued', 'running') then
      timestep.read_segment(nullif(reader.claims, ''), reader.run_id, reader.segment)
    end;
    return next;
    if reader.segment > 0 and reader.after = 0 then
      -- What the segments before have written, which may be much, is no news to who reads this one.
      reader.after := coalesce((
        select max(j.position) from timestep.journal j where j.run_id = reader.run_id and j.segment < reader.segment
      ), 0);
    end if;
    return query
    select reader.place, null, null::integer, null::json, n.*
    from (
      -- At most a page of either: not all that is left of a long run, for each of its pages.
      (
        select v.position, 'events', v.step, v.attempt, v.events, null, null, null::json
        from timestep.run_events v where v.run_id = reader.run_id and v.position > reader.after
        order by v.position limit page
      )
      union all
      select j.position, j.kind, j.key, j.attempt, null, j.status, j.name, j.output
      from timestep.journal j
      where j.run_id = reader.run_id and j.position > reader.after
        and (j.kind in ('model', 'tool') or j.kind = 'guardrail' and j.key like 'guardrail:%:tool\_%')
      order by 1 limit page
    ) n
    order by 5;
  end loop;
end
$$;

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
