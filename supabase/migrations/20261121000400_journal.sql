-- The journal: one row for each model call, tool call, guardrail and session write of a durable run, keyed by
-- what it is and inserted once, by the run's owner only. Positions are shared with run_events: together they are
-- the run's stream of events, in order. A row has no position while its call is under way.
create table if not exists timestep.journal (
  run_id text not null,
  key text not null,
  position bigint,
  segment integer not null,
  epoch integer not null,
  attempt integer not null,
  kind text not null,
  status text not null,
  name text,
  fingerprint text,
  output json,
  context_patch json,
  recorded_at timestamptz not null default now(),
  constraint journal_pkey primary key (run_id, key),
  constraint journal_run_fkey foreign key (run_id) references timestep.runs (run_id) on delete cascade,
  constraint journal_kind_is_known check (kind in ('model', 'tool', 'guardrail', 'session', 'handoff', 'approval')),
  constraint journal_status_is_known check (status in ('started', 'completed', 'failed')),
  constraint journal_started_has_no_result check (status <> 'started' or (output is null and position is null))
);

create or replace view timestep.tool_calls as
select run_id, key, name as tool_name, status, segment, epoch, recorded_at
from timestep.journal
where kind = 'tool';
comment on view timestep.tool_calls is 'Tool calls of durable runs.';

-- The stream of a run: batches of events, in order. A step that ran again has a higher attempt.
create table if not exists timestep.run_events (
  run_id text not null,
  position bigint not null,
  step text,
  attempt integer not null,
  events json not null,
  created_at timestamptz not null default now(),
  constraint run_events_pkey primary key (run_id, position),
  constraint run_events_run_fkey foreign key (run_id) references timestep.runs (run_id) on delete cascade
);

-- Writes what an executor has done of a run, in one transaction: steps, events, places in the stream for steps that
-- were written in a transaction of a tool's, and how the segment ended. JSON arrays; null for none.
-- Returns whether the run is this executor's: if not, nothing is written. The lock on the run makes whoever takes it
-- over meanwhile wait for this transaction, and this one for a takeover that came first.
-- What json columns get may be packed as a text that holds the JSON: an array is unpacked with its escapes, and
-- an escaped NUL or half of a surrogate pair, which a json column can hold, is no text that Postgres can.
-- What a step adds to the run's session comes beside it, by its key, and is added once.
create or replace function timestep.write_journal(
  run_id text,
  epoch integer,
  segment integer,
  steps text default null,
  events text default null,
  published text default null,
  segment_end text default null,
  added text default null
) returns boolean
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
declare
  session_id text;
  addition record;
begin
  select r.session_id into session_id from timestep.runs r
  where r.run_id = write_journal.run_id and r.epoch = write_journal.epoch and r.status = 'running'
  for no key update;
  if not found then
    return false;
  end if;

  if added is not null then
    for addition in select * from json_to_recordset(added::json) as a (key text, items text)
    loop
      if not exists (
        select from timestep.journal known
        where known.run_id = write_journal.run_id and known.key = addition.key
      ) then
        perform timestep.append_session_items(session_id, addition.items::json);
      end if;
    end loop;
  end if;

  if steps is not null then
    insert into timestep.journal as known (
      run_id, key, position, segment, epoch, attempt, kind, status, name, fingerprint, output, context_patch
    )
    select
      write_journal.run_id, s.key, s.position, write_journal.segment, write_journal.epoch, s.attempt, s.kind,
      s.status, s.name, s.fingerprint, s.output::json, s.context_patch::json
    from json_to_recordset(steps::json) as s (
      key text, position bigint, attempt integer, kind text, status text, name text, fingerprint text, output text,
      context_patch text
    )
    on conflict on constraint journal_pkey do update set
      position = excluded.position, epoch = excluded.epoch, attempt = excluded.attempt, status = excluded.status,
      output = excluded.output, context_patch = excluded.context_patch, recorded_at = now()
    where known.status = 'started';
  end if;

  if events is not null then
    insert into timestep.run_events (run_id, position, step, attempt, events)
    select write_journal.run_id, e.position, e.step, e.attempt, e.events::json
    from json_to_recordset(events::json) as e (position bigint, step text, attempt integer, events text)
    on conflict on constraint run_events_pkey do nothing;
  end if;

  if published is not null then
    update timestep.journal as known set position = p.position
    from json_to_recordset(published::json) as p (key text, position bigint)
    where known.run_id = write_journal.run_id and known.key = p.key and known.position is null;
  end if;

  if segment_end is not null then
    perform timestep.end_segment(run_id, segment_end::json);
  end if;
  return true;
end
$$;

-- Writes for several runs in one transaction: a JSON array of what write_journal() takes for each. Returns for each
-- whether it was written: not when the run is not this executor's, nor when somebody else has it locked, or the session
-- that it adds to, so that nobody waits for anybody else's lock here.
create or replace function timestep.write_journals(writes text) returns boolean[]
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
declare
  written boolean[] := '{}';
  asked record;
  is_free boolean;
begin
  for asked in
    select * from json_to_recordset(writes::json) as w (
      run_id text, epoch integer, segment integer, steps text, events text, published text, segment_end text,
      added text
    )
  loop
    perform from timestep.runs r where r.run_id = asked.run_id for no key update skip locked;
    is_free := found;
    if is_free and asked.added is not null then
      is_free := not exists (
        select from timestep.sessions s join timestep.runs r on r.session_id = s.session_id
        where r.run_id = asked.run_id
      );
      if not is_free then
        perform from timestep.sessions s
        where s.session_id = (select r.session_id from timestep.runs r where r.run_id = asked.run_id)
        for no key update skip locked;
        is_free := found;
      end if;
    end if;
    written := written || (is_free and timestep.write_journal(
      asked.run_id, asked.epoch, asked.segment, asked.steps, asked.events, asked.published, asked.segment_end,
      asked.added
    ));
  end loop;
  return written;
end
$$;

-- Records how the segment of a run ended, and adds up what was used in it. Only write_journal() calls it, which
-- has made sure whose the run is.
create or replace function timestep.end_segment(run_id text, segment_end json) returns void
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
begin
  update timestep.runs as r set
    status = e.status, final_output = e."finalOutput"::json, error = e.error::json, executor_id = null, updated_at = now(),
    deadline_at = null,
    finished_at = case when e.status in ('completed', 'blocked', 'failed', 'cancelled') then now() end
  from json_to_record(segment_end) as e (status text, "finalOutput" text, error text)
  where r.run_id = end_segment.run_id;

  insert into timestep.usage as known (
    run_id, model, requests, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, total_tokens
  )
  select end_segment.run_id, u.* from timestep.usage_rows(segment_end -> 'usage') u
  on conflict on constraint usage_pkey do update set
    requests = known.requests + excluded.requests,
    input_tokens = known.input_tokens + excluded.input_tokens,
    cached_input_tokens = known.cached_input_tokens + excluded.cached_input_tokens,
    output_tokens = known.output_tokens + excluded.output_tokens,
    reasoning_tokens = known.reasoning_tokens + excluded.reasoning_tokens,
    total_tokens = known.total_tokens + excluded.total_tokens,
    updated_at = now();
end
$$;

-- Processes that execute runs, and when each was last seen alive.
create table if not exists timestep.executors (
  executor_id text primary key,
  started_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now()
);

insert into timestep.migrations (version) values ('20261121000400') on conflict do nothing;
