-- Saving a paused run, or one that has ended and is kept, in one step: its snapshot, what it waits for, what it used.
-- There is one paused run for each agent and session. `held_*` is what the caller has of it from saving or loading it
-- before. JSON is given as text. False, and nothing is written, when the run there is not, or no longer, the caller's.
-- The functions that save leave the search path as it is, which takes time at each call: they run with the rights of who
-- calls them, and name the schema of every table.

-- Savers of the same agent and session take turns, by this lock.
create or replace function timestep.run_state_lock(agent_name text, session_id text) returns bigint
language sql immutable
as $$ select hashtextextended(agent_name, hashtextextended(coalesce(session_id, ''), 0)) $$;

-- What a run waits for as it is sent, as rows.
create or replace function timestep.interruption_rows(interruptions json) returns table (
  interruption_id text, kind text, agent_name text, tool_name text, call_id text, arguments text, status text,
  always boolean, message text, decided_at timestamptz
)
language sql stable
as $$
  select
    i."interruptionId", i.kind, i."agentName", i."toolName", i."callId", i.arguments, i.status,
    coalesce(i.always, false), i.message, case when i.status <> 'pending' then now() end
  from json_to_recordset(interruptions) as i (
    "interruptionId" text, kind text, "agentName" text, "toolName" text, "callId" text, arguments text, status text,
    always boolean, message text
  )
$$;

-- Saves a new run; the held one, if it is still paused, is given up. `agent_definition` tells what the agents are that
-- it was begun with; null when that is known to be recorded.
create or replace function timestep.add_run_state(
  new_run_id text,
  agent_name text,
  session_id text,
  agent_fingerprint text,
  agent_definition text,
  held_run_id text,
  held_version integer,
  held_claim text,
  new_status text,
  envelope text,
  state text,
  interruptions text,
  usage text
) returns boolean
language plpgsql
as $$
#variable_conflict use_column
declare
  locked text;
  described json := envelope;
  paused record;
begin
  -- Assigned, it is evaluated without a statement of its own.
  locked := pg_advisory_xact_lock(timestep.run_state_lock(agent_name, session_id));

  if exists (
    select from timestep.runs r
    where r.agent_name = add_run_state.agent_name
      and coalesce(r.session_id, '') = coalesce(add_run_state.session_id, '') and r.state_version > 0
  ) then
    select f.run_id, f.status into paused from timestep.find_run_state(agent_name, session_id) f;
    if paused.status <> 'completed' then
      -- Who resumes it does not take the lock above: the run has to be as the caller has seen it. The
      -- snapshot is locked before the run, as by who replaces or clears it.
      perform from timestep.runs r
      join timestep.run_states s on s.run_id = r.run_id and s.version = r.state_version
      where r.run_id = paused.run_id and r.run_id = held_run_id and r.status in ('interrupted', 'running')
        and s.version = held_version and s.cleared_at is null and (s.claimed_by is null or s.claimed_by = held_claim)
      for update of s, r;
      if not found then
        return false;
      end if;
      update timestep.runs r set status = 'cancelled', finished_at = now(), updated_at = now()
      where r.run_id = paused.run_id;
    end if;
    -- One that had ended and was kept gives its place up, too.
    update timestep.run_states s set cleared_at = now() where s.run_id = paused.run_id;
  end if;

  if agent_definition is not null then
    insert into timestep.agents (agent_name, fingerprint, definition)
    values (add_run_state.agent_name, agent_fingerprint, agent_definition::json)
    on conflict do nothing;
  end if;

  insert into timestep.runs (run_id, agent_name, agent_fingerprint, session_id, status, state_version, finished_at)
  values (
    new_run_id, add_run_state.agent_name, add_run_state.agent_fingerprint, add_run_state.session_id, new_status, 1,
    case when new_status = 'completed' then now() end
  );
  -- As write_run_state() does, without looking for what a new run can't have.
  insert into timestep.run_states (
    run_id, version, language, sdk_name, sdk_version, schema_version, agent_graph, guardrails_settled, state,
    created_at
  )
  values (
    new_run_id, 1, described ->> 'language', described ->> 'sdk_name', described ->> 'sdk_version',
    described ->> 'schema_version', described -> 'agent_graph', (described ->> 'guardrails_settled')::boolean,
    add_run_state.state::json, clock_timestamp()
  );
  insert into timestep.usage (
    run_id, model, requests, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, total_tokens
  )
  select new_run_id, u.* from timestep.usage_rows(add_run_state.usage::json) u;
  insert into timestep.interruptions (
    run_id, segment, interruption_id, kind, agent_name, tool_name, call_id, arguments, status, always, message,
    decided_at
  )
  select new_run_id, 0, i.* from timestep.interruption_rows(add_run_state.interruptions::json) i;
  return true;
end
$$;

-- Saves the next snapshot of the held run.
create or replace function timestep.replace_run_state(
  agent_name text,
  session_id text,
  held_run_id text,
  held_version integer,
  held_claim text,
  new_status text,
  envelope text,
  state text,
  interruptions text,
  usage text
) returns boolean
language plpgsql
as $$
#variable_conflict use_column
declare
  locked text;
  held_segment integer;
begin
  locked := pg_advisory_xact_lock(timestep.run_state_lock(agent_name, session_id));
  -- Who resumes it does not take that lock: either finds what the other has changed.
  update timestep.runs r set
    status = new_status, state_version = r.state_version + 1, updated_at = now(),
    finished_at = case when new_status = 'completed' then now() end
  from (
    select s.run_id, s.version from timestep.run_states s
    where s.run_id = held_run_id and s.version = held_version and s.cleared_at is null
      and (s.claimed_by is null or s.claimed_by = held_claim)
    for update
  ) as held
  where r.run_id = held.run_id and r.state_version = held.version
    and r.status in ('interrupted', 'running', 'completed')
  returning r.segment into held_segment;
  if not found then
    return false;
  end if;
  return timestep.write_run_state(
    held_run_id, held_version + 1, held_segment, envelope, state, interruptions, usage
  );
end
$$;

-- Writes a run's snapshot in place of the one before, what it waits for, and, unless that is null, what it has used.
-- A decision that is there stays. Always true.
create or replace function timestep.write_run_state(
  run_id text,
  version integer,
  segment integer,
  envelope text,
  state text,
  interruptions text,
  usage text default null
) returns boolean
language plpgsql
as $$
#variable_conflict use_column
declare
  described json := envelope;
begin
  insert into timestep.run_states (
    run_id, version, language, sdk_name, sdk_version, schema_version, agent_graph, guardrails_settled, state,
    created_at
  )
  values (
    write_run_state.run_id, write_run_state.version, described ->> 'language', described ->> 'sdk_name',
    described ->> 'sdk_version', described ->> 'schema_version', described -> 'agent_graph',
    (described ->> 'guardrails_settled')::boolean, write_run_state.state::json, clock_timestamp()
  )
  on conflict on constraint run_states_pkey do update set
    version = excluded.version, language = excluded.language, sdk_name = excluded.sdk_name,
    sdk_version = excluded.sdk_version, schema_version = excluded.schema_version,
    agent_graph = excluded.agent_graph, guardrails_settled = excluded.guardrails_settled, state = excluded.state,
    created_at = excluded.created_at, claimed_at = null, claimed_by = null, cleared_at = null;

  if usage is not null then
    insert into timestep.usage as known (
      run_id, model, requests, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, total_tokens
    )
    select write_run_state.run_id, u.* from timestep.usage_rows(write_run_state.usage::json) u
    on conflict on constraint usage_pkey do update set
      requests = excluded.requests, input_tokens = excluded.input_tokens,
      cached_input_tokens = excluded.cached_input_tokens, output_tokens = excluded.output_tokens,
      reasoning_tokens = excluded.reasoning_tokens, total_tokens = excluded.total_tokens, updated_at = now();
    if version > 1 then
      -- Of models that are not among them any more: what was not written just now.
      delete from timestep.usage u where u.run_id = write_run_state.run_id and u.updated_at <> now();
    end if;
  end if;

  insert into timestep.interruptions as known (
    run_id, segment, interruption_id, kind, agent_name, tool_name, call_id, arguments, status, always, message,
    decided_at
  )
  select write_run_state.run_id, write_run_state.segment, i.*
  from timestep.interruption_rows(write_run_state.interruptions::json) i
  on conflict on constraint interruptions_pkey do update set
    status = excluded.status, always = excluded.always, message = excluded.message, decided_at = excluded.decided_at
  where known.status = 'pending' and excluded.status <> 'pending';
  return true;
end
$$;

-- The run of an agent and a session that is paused or under way after a pause; without one, the run that was kept
-- when it had ended. A function, so that the statement is planned once.
create or replace function timestep.find_run_state(agent_name text, session_id text)
returns table (
  run_id text, version integer, claimed_by text, status text, language text, sdk_name text, sdk_version text,
  schema_version text, agent_graph json, guardrails_settled boolean, state text
)
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select
    s.run_id, s.version, s.claimed_by, r.status::text, s.language::text, s.sdk_name, s.sdk_version,
    s.schema_version, s.agent_graph, s.guardrails_settled, s.state::text
  from timestep.runs r
  join timestep.run_states s on s.run_id = r.run_id and s.version = r.state_version
  where r.agent_name = find_run_state.agent_name
    and coalesce(r.session_id, '') = coalesce(find_run_state.session_id, '') and r.state_version > 0
    and s.cleared_at is null
    and (r.status in ('interrupted', 'running') or r.status = 'completed' and s.claimed_by is null)
  order by r.status = 'completed', r.created_at desc
  limit 1;
end
$$;

-- Takes the right to resume a snapshot, once, and notes the decisions with which the run goes on.
create or replace function timestep.claim_run_state(
  run_id text,
  version integer,
  held_claim text,
  claim text,
  decisions text
) returns boolean
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
begin
  update timestep.run_states s set claimed_at = now(), claimed_by = claim_run_state.claim
  from timestep.runs r
  where s.run_id = claim_run_state.run_id and s.version = claim_run_state.version
    and s.claimed_by is not distinct from held_claim and s.cleared_at is null
    and r.run_id = s.run_id and r.state_version = s.version
    and r.status in ('interrupted', 'running', 'completed');
  if not found then
    return false;
  end if;
  update timestep.interruptions i set
    status = d.status, always = coalesce(d.always, false), message = d.message, decided_at = now(),
    decided_by = claim_run_state.claim
  from json_to_recordset(decisions::json) as d ("interruptionId" text, status text, always boolean, message text)
  where i.run_id = claim_run_state.run_id and i.interruption_id = d."interruptionId" and i.status = 'pending';
  return true;
end
$$;

-- Notes that a run which was claimed has ended. False when it is not, or no longer, the caller's.
create or replace function timestep.settle_run_state(
  run_id text,
  version integer,
  held_claim text,
  final_output text,
  usage text
) returns boolean
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
begin
  update timestep.runs r set
    status = 'completed', final_output = settle_run_state.final_output::json, finished_at = coalesce(r.finished_at, now()),
    updated_at = now()
  from timestep.run_states s
  where r.run_id = settle_run_state.run_id and r.state_version = settle_run_state.version
    and r.status in ('interrupted', 'running', 'completed')
    and s.run_id = r.run_id and s.version = r.state_version and s.claimed_by = held_claim and s.cleared_at is null;
  if not found then
    return false;
  end if;
  delete from timestep.usage u where u.run_id = settle_run_state.run_id;
  insert into timestep.usage (
    run_id, model, requests, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, total_tokens
  )
  select settle_run_state.run_id, u.* from timestep.usage_rows(settle_run_state.usage::json) u;
  return true;
end
$$;

-- Where the paused run of an agent and a session is looked for.
create index if not exists runs_paused on timestep.runs (agent_name, coalesce(session_id, ''), created_at desc)
where state_version > 0;

revoke all on function timestep.run_state_lock (text, text) from public;
revoke all on function timestep.interruption_rows (json) from public;
revoke all on function timestep.add_run_state (
  text, text, text, text, text, text, integer, text, text, text, text, text, text
) from public;
revoke all on function timestep.replace_run_state (
  text, text, text, integer, text, text, text, text, text, text
) from public;
revoke all on function timestep.write_run_state (text, integer, integer, text, text, text, text) from public;
revoke all on function timestep.find_run_state (text, text) from public;
revoke all on function timestep.claim_run_state (text, integer, text, text, text) from public;
revoke all on function timestep.settle_run_state (text, integer, text, text, text) from public;

insert into timestep.migrations (version) values ('20261121000350') on conflict do nothing;
