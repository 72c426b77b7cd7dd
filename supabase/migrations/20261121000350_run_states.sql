-- Saves a paused run in one step: its snapshot, what it waits for, what it used. There is one paused run for each
-- agent and session. `held_*` is what the caller has of it from saving or loading it before, null for nothing;
-- `new_run_id` is null when the state is that of the held run and of no other; when it certainly is not
-- (`isOtherRun` in the envelope), the held run is given up.
-- A run that has ended (`runStatus` in the envelope: completed) can be kept, too: it is in nobody's way.
-- `agentFingerprint` and `agentDefinition` (a text that holds JSON) in the envelope tell what the agents are that a
-- new run was begun with.
-- Returns the run's id and the snapshot's version; no row when the run is not, or no longer, the caller's to save.
create or replace function timestep.save_run_state(
  agent_name text,
  session_id text,
  held_run_id text,
  held_version integer,
  held_claim text,
  new_run_id text,
  envelope json,
  state text,
  interruptions json,
  usage json
) returns table (run_id text, version integer)
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
declare
  paused_run_id text;
  paused_version integer;
  paused_claim text;
  paused_status text;
  saved_run_id text;
  saved_version integer;
  new_status text;
  is_other_run boolean;
  agent_fingerprint text;
  agent_definition text;
begin
  select coalesce(e."runStatus", 'interrupted'), coalesce(e."isOtherRun", false), e."agentFingerprint",
    e."agentDefinition"
  into new_status, is_other_run, agent_fingerprint, agent_definition
  from json_to_record(envelope) as e (
    "runStatus" text, "isOtherRun" boolean, "agentFingerprint" text, "agentDefinition" text
  );

  perform pg_advisory_xact_lock(hashtextextended(
    json_build_array('timestep.run_states', save_run_state.agent_name, save_run_state.session_id)::text, 0
  ));

  if new_run_id is null then
    select s.run_id, s.version, s.claimed_by into paused_run_id, paused_version, paused_claim
    from timestep.runs r
    join timestep.run_states s on s.run_id = r.run_id and s.version = r.state_version
    where r.run_id = held_run_id and r.status in ('interrupted', 'running', 'completed') and s.cleared_at is null;
    if not found then
      return;
    end if;
  else
    -- As find_run_state() does.
    select s.run_id, s.version, s.claimed_by, r.status
    into paused_run_id, paused_version, paused_claim, paused_status
    from timestep.runs r
    join timestep.run_states s on s.run_id = r.run_id and s.version = r.state_version
    where r.agent_name = save_run_state.agent_name
      and coalesce(r.session_id, '') = coalesce(save_run_state.session_id, '') and r.state_version > 0
      and s.cleared_at is null
      and (r.status in ('interrupted', 'running') or r.status = 'completed' and s.claimed_by is null)
    order by r.status = 'completed', r.created_at desc
    limit 1;
    if paused_status = 'completed' then
      -- One that had ended and was kept gives its place up.
      update timestep.run_states s set cleared_at = now() where s.run_id = paused_run_id;
      paused_run_id := null;
    end if;
  end if;

  if paused_run_id is not null and (
    paused_run_id is distinct from held_run_id or paused_version is distinct from held_version
    or (paused_claim is not null and paused_claim is distinct from held_claim)
  ) then
    return;
  end if;

  if paused_run_id is not null then
    -- Who resumes it does not take the lock above: the run has to be as it was found.
    perform from timestep.runs r
    join timestep.run_states s on s.run_id = r.run_id and s.version = r.state_version
    where r.run_id = paused_run_id and s.version = paused_version and s.cleared_at is null
      and s.claimed_by is not distinct from paused_claim
      and r.status in ('interrupted', 'running', 'completed')
    for update of r, s;
    if not found then
      return;
    end if;
  end if;

  if paused_run_id is not null and is_other_run then
    update timestep.run_states s set cleared_at = now() where s.run_id = paused_run_id;
    update timestep.runs r set status = 'cancelled', finished_at = now(), updated_at = now()
    where r.run_id = paused_run_id;
    paused_run_id := null;
  end if;

  if agent_definition is not null and not exists (
    select from timestep.agents a
    where a.agent_name = save_run_state.agent_name and a.fingerprint = agent_fingerprint
  ) then
    insert into timestep.agents (agent_name, fingerprint, definition)
    values (save_run_state.agent_name, agent_fingerprint, agent_definition::json)
    on conflict do nothing;
  end if;

  if paused_run_id is null then
    saved_run_id := save_run_state.new_run_id;
    saved_version := 1;
    insert into timestep.runs (
      run_id, agent_name, agent_fingerprint, session_id, status, state_version, finished_at
    )
    values (
      saved_run_id, save_run_state.agent_name, agent_fingerprint, save_run_state.session_id, new_status, 1,
      case when new_status = 'completed' then now() end
    );
  else
    saved_run_id := paused_run_id;
    update timestep.runs r set
      status = new_status, state_version = state_version + 1, updated_at = now(),
      finished_at = case when new_status = 'completed' then now() end
    where r.run_id = saved_run_id
    returning r.state_version into saved_version;
  end if;

  perform timestep.write_run_state(saved_run_id, saved_version, envelope, state, interruptions, usage);
  return query select saved_run_id, saved_version;
end
$$;

-- Writes a run's snapshot in place of the one before, what it waits for, and, unless that is null, what it has used.
-- A decision that is there stays.
create or replace function timestep.write_run_state(
  run_id text,
  version integer,
  envelope json,
  state text,
  interruptions json,
  usage json default null
) returns void
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
begin
  insert into timestep.run_states (
    run_id, version, language, sdk_name, sdk_version, schema_version, agent_graph, guardrails_settled, state,
    created_at
  )
  select
    write_run_state.run_id, write_run_state.version, e.language, e.sdk_name, e.sdk_version, e.schema_version,
    e.agent_graph, e.guardrails_settled, write_run_state.state::json, clock_timestamp()
  from json_to_record(envelope) as e (
    language text, sdk_name text, sdk_version text, schema_version text, agent_graph json,
    guardrails_settled boolean
  );

  if version > 1 then
    delete from timestep.run_states s
    where s.run_id = write_run_state.run_id and s.version <> write_run_state.version;
    delete from timestep.usage u
    where u.run_id = write_run_state.run_id and write_run_state.usage is not null
      and u.model <> all (select used ->> 'model' from json_array_elements(write_run_state.usage) as used);
  end if;

  insert into timestep.usage as known (
    run_id, model, requests, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, total_tokens
  )
  select
    write_run_state.run_id, u.model, u.requests, u."inputTokens", u."cachedInputTokens", u."outputTokens",
    u."reasoningTokens", u."totalTokens"
  from json_to_recordset(write_run_state.usage) as u (
    model text, requests bigint, "inputTokens" bigint, "cachedInputTokens" bigint, "outputTokens" bigint,
    "reasoningTokens" bigint, "totalTokens" bigint
  )
  on conflict on constraint usage_pkey do update set
    requests = excluded.requests, input_tokens = excluded.input_tokens,
    cached_input_tokens = excluded.cached_input_tokens, output_tokens = excluded.output_tokens,
    reasoning_tokens = excluded.reasoning_tokens, total_tokens = excluded.total_tokens, updated_at = now();

  insert into timestep.interruptions as known (
    run_id, interruption_id, segment, kind, agent_name, tool_name, call_id, arguments, status, always, message,
    decided_at
  )
  select
    write_run_state.run_id, i."interruptionId", r.segment, i.kind, i."agentName", i."toolName", i."callId", i.arguments,
    i.status, coalesce(i.always, false), i.message, case when i.status <> 'pending' then now() end
  from timestep.runs r, json_to_recordset(interruptions) as i (
    "interruptionId" text, kind text, "agentName" text, "toolName" text, "callId" text, arguments text, status text,
    always boolean, message text
  )
  where r.run_id = write_run_state.run_id
  on conflict on constraint interruptions_pkey do update set
    status = excluded.status, always = excluded.always, message = excluded.message, decided_at = excluded.decided_at
  where known.status = 'pending' and excluded.status <> 'pending';
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
    s.run_id, s.version, s.claimed_by, r.status, s.language, s.sdk_name, s.sdk_version, s.schema_version,
    s.agent_graph, s.guardrails_settled, s.state::text
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
  decisions json
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
  from json_to_recordset(decisions) as d ("interruptionId" text, status text, always boolean, message text)
  where i.run_id = claim_run_state.run_id and i.interruption_id = d."interruptionId" and i.status = 'pending';
  return true;
end
$$;

-- Notes that a run which was claimed has ended. False when it is not, or no longer, the caller's.
create or replace function timestep.settle_run_state(
  run_id text,
  version integer,
  held_claim text,
  final_output json,
  usage json
) returns boolean
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
begin
  update timestep.runs r set
    status = 'completed', final_output = settle_run_state.final_output, finished_at = coalesce(r.finished_at, now()),
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
  select
    settle_run_state.run_id, u.model, u.requests, u."inputTokens", u."cachedInputTokens", u."outputTokens",
    u."reasoningTokens", u."totalTokens"
  from json_to_recordset(settle_run_state.usage) as u (
    model text, requests bigint, "inputTokens" bigint, "cachedInputTokens" bigint, "outputTokens" bigint,
    "reasoningTokens" bigint, "totalTokens" bigint
  );
  return true;
end
$$;

-- Where the paused run of an agent and a session is looked for.
create index if not exists runs_paused on timestep.runs (agent_name, coalesce(session_id, ''), created_at desc)
where state_version > 0;

revoke all on function timestep.save_run_state (text, text, text, integer, text, text, json, text, json, json)
  from public;
revoke all on function timestep.write_run_state (text, integer, json, text, json, json) from public;
revoke all on function timestep.find_run_state (text, text) from public;
revoke all on function timestep.claim_run_state (text, integer, text, text, json) from public;
revoke all on function timestep.settle_run_state (text, integer, text, json, json) from public;

insert into timestep.migrations (version) values ('20261121000350') on conflict do nothing;
