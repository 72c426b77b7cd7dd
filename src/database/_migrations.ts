// Generated from supabase/migrations by "deno task migrations". Do not edit.

import type { Migration } from "./migrate.ts";

/** The schema's migrations, oldest first. */
export const migrations: readonly Migration[] = [
  {
    version: "20261121000000",
    sql: `
-- The schema, and the record of which migrations it has had. Every file records itself, so it does not
-- matter whether the module or the Supabase CLI applied it.
create schema if not exists timestep;

create table if not exists timestep.migrations (
  version text primary key,
  applied_at timestamptz not null default now(),
  constraint migrations_version_is_timestamp check (version ~ '^[0-9]{14}$')
);

insert into timestep.migrations (version) values ('20261121000000') on conflict do nothing;
`,
  },
  {
    version: "20261121000100",
    sql: `
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
`,
  },
  {
    version: "20261121000200",
    sql: `
-- What columns of the tables below may hold. Domains, as what a table checks is read anew by each statement that writes to
-- it, which takes longer than writing a small row.
do $$
begin
  create domain timestep.run_status as text constraint run_status_is_known check (value in (
    'queued', 'running', 'interrupted', 'completed', 'blocked', 'failed', 'cancelled', 'unknown_outcome'
  ));
  create domain timestep.counter as integer constraint counter_is_not_negative check (value >= 0);
  create domain timestep.sdk_language as text constraint sdk_language_is_known check (
    value in ('typescript', 'python')
  );
  create domain timestep.decision_status as text constraint decision_status_is_known check (
    value in ('pending', 'approved', 'rejected')
  );
  create domain timestep.token_count as bigint constraint token_count_is_not_negative check (value >= 0);
exception
  when duplicate_object then null;
end
$$;

-- A run: one task of one agent, from its input to its end, across every pause.
-- Each continuation after a pause is a segment; each process that takes it over raises the epoch.
create table if not exists timestep.runs (
  run_id text primary key,
  agent_name text not null,
  agent_fingerprint text,
  session_id text,
  status timestep.run_status not null,
  segment timestep.counter not null default 0,
  epoch timestep.counter not null default 0,
  executor_id text,
  language timestep.sdk_language,
  state_version timestep.counter not null default 0,
  input json,
  options json,
  final_output json,
  error json,
  forked_from text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  finished_at timestamptz,
  constraint runs_finished_at_matches_status check (
    (finished_at is not null) = (status in ('completed', 'blocked', 'failed', 'cancelled'))
  )
);
comment on column timestep.runs.language is
  'In which language the segment was begun, and is finished: its journal is in that SDK''s terms; null: not begun.';
create index if not exists runs_session on timestep.runs (session_id, agent_name, created_at desc);

-- The last snapshot of each paused run, in the envelope that both languages read. The SDK's own JSON is kept as text
-- (json, not jsonb): byte for byte what the SDK wrote, escaped NULs and lone surrogates included.
create table if not exists timestep.run_states (
  run_id text primary key,
  version integer not null,
  language timestep.sdk_language not null,
  sdk_name text not null,
  sdk_version text not null,
  schema_version text not null,
  agent_graph json not null,
  guardrails_settled boolean not null,
  state json not null,
  created_at timestamptz not null default now(),
  claimed_at timestamptz,
  claimed_by text,
  cleared_at timestamptz,
  constraint run_states_run_fkey foreign key (run_id) references timestep.runs (run_id) on delete cascade,
  constraint run_states_version_is_positive check (version > 0),
  constraint run_states_claim_is_whole check ((claimed_at is null) = (claimed_by is null))
);

-- What a paused run waits for, and what was decided. A decision is written once.
create table if not exists timestep.interruptions (
  run_id text not null,
  interruption_id text not null,
  segment integer not null,
  kind text not null,
  agent_name text not null,
  tool_name text not null,
  call_id text,
  arguments text,
  status timestep.decision_status not null default 'pending',
  always boolean not null default false,
  message text,
  created_at timestamptz not null default now(),
  decided_at timestamptz,
  decided_by text,
  constraint interruptions_pkey primary key (run_id, interruption_id),
  constraint interruptions_run_fkey foreign key (run_id) references timestep.runs (run_id) on delete cascade,
  constraint interruptions_decided_at_matches_status check ((decided_at is null) = (status = 'pending')),
  constraint interruptions_message_is_for_rejections check (message is null or status = 'rejected')
);
-- Only for who asks for all of them, and says \`decided_at is null\`: those of one run are found by it, whatever is pending.
create index if not exists interruptions_pending on timestep.interruptions (created_at)
where decided_at is null and status = 'pending';

insert into timestep.migrations (version) values ('20261121000200') on conflict do nothing;
`,
  },
  {
    version: "20261121000300",
    sql: `
-- Tokens used, a row a run and model (by the name that the agent has for it), counted from the run's beginning across every pause.
create table if not exists timestep.usage (
  run_id text not null,
  model text not null,
  requests timestep.token_count not null,
  input_tokens timestep.token_count not null,
  cached_input_tokens timestep.token_count not null default 0,
  output_tokens timestep.token_count not null,
  reasoning_tokens timestep.token_count not null default 0,
  total_tokens timestep.token_count not null,
  updated_at timestamptz not null default now(),
  constraint usage_pkey primary key (run_id, model),
  constraint usage_run_fkey foreign key (run_id) references timestep.runs (run_id) on delete cascade
);

-- Usage as it is sent, as rows.
create or replace function timestep.usage_rows(usage json) returns table (
  model text, requests bigint, input_tokens bigint, cached_input_tokens bigint, output_tokens bigint,
  reasoning_tokens bigint, total_tokens bigint
)
language sql immutable
as $$
  select u.model, u.requests, u."inputTokens", u."cachedInputTokens", u."outputTokens", u."reasoningTokens", u."totalTokens"
  from json_to_recordset(usage) as u (
    model text, requests bigint, "inputTokens" bigint, "cachedInputTokens" bigint, "outputTokens" bigint,
    "reasoningTokens" bigint, "totalTokens" bigint
  )
$$;
revoke all on function timestep.usage_rows (json) from public;

-- What a model costs, in US dollars for a million tokens. Set by you, under the name that agents have for it
-- ("gpt-4.1", "ollama/gpt-oss:20b"); a model without a row costs null.
create table if not exists timestep.model_prices (
  model text primary key,
  input_per_million numeric not null,
  cached_input_per_million numeric,
  output_per_million numeric not null,
  updated_at timestamptz not null default now(),
  constraint model_prices_are_not_negative check (
    input_per_million >= 0 and output_per_million >= 0
    and (cached_input_per_million is null or cached_input_per_million >= 0)
  )
);

create or replace view timestep.usage_costs as
select
  u.*,
  (
    (u.input_tokens - u.cached_input_tokens) * p.input_per_million
    + u.cached_input_tokens * coalesce(p.cached_input_per_million, p.input_per_million)
    + u.output_tokens * p.output_per_million
  ) / 1000000 as cost_usd
from timestep.usage u
left join timestep.model_prices p on p.model = u.model;
comment on view timestep.usage_costs is 'Usage with its cost; null where the model has no price.';

-- A run's cost is known only when each of its models has a price.
create or replace view timestep.run_costs as
select
  run_id,
  sum(requests)::bigint as requests,
  sum(input_tokens)::bigint as input_tokens,
  sum(output_tokens)::bigint as output_tokens,
  sum(total_tokens)::bigint as total_tokens,
  case when bool_and(cost_usd is not null) then sum(cost_usd) end as cost_usd
from timestep.usage_costs
group by run_id;

insert into timestep.migrations (version) values ('20261121000300') on conflict do nothing;
`,
  },
  {
    version: "20261121000350",
    sql: `
-- Saving a paused run, or one that has ended and is kept, in one step: its snapshot, what it waits for, what it used.
-- There is one paused run for each agent and session. \`held_*\` is what the caller has of it from saving or loading it
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

-- Saves a new run; the held one, if it is still paused, is given up. \`agent_definition\` tells what the agents are that
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
`,
  },
  {
    version: "20261121000400",
    sql: `
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
`,
  },
  {
    version: "20261121000500",
    sql: `
-- Who may see what. Every row belongs to an owner (a user's id; null: the service itself). The server's own
-- role owns the tables and is not held back; a caller's role may read what is its own and write nothing.
alter table timestep.runs add column if not exists owner_id text;
alter table timestep.sessions add column if not exists owner_id text;
alter table timestep.sessions add column if not exists agents text[] not null default '{}';
comment on column timestep.sessions.agents is 'The agents that had runs in the conversation, where it has an owner.';
create index if not exists runs_owner on timestep.runs (owner_id, created_at desc) where owner_id is not null;
-- Only for who asks for all of them, and says \`finished_at is null\`: a run is found by its id, also by plans that were made
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
`,
  },
  {
    version: "20261121000600",
    sql: `
-- How runs are dispatched. DBOS keeps one row of dbos.workflow_status for each dispatch of a run, which is called
-- its workflow here; timestep.runs names the one that counts. Everything below is plain SQL, so that any process,
-- and pg_cron, can enqueue, cancel and recover runs without DBOS being launched.
alter table timestep.runs add column if not exists workflow_id text;
alter table timestep.runs add column if not exists dispatch json;
alter table timestep.runs add column if not exists deadline_at timestamptz;
comment on column timestep.runs.workflow_id is 'The DBOS workflow that dispatches the run now; null: it is not a workflow.';
comment on column timestep.runs.dispatch is
  'queueName, priority, partitionKey, deduplicationId, applicationName, timeoutSeconds, session: given at the start.';
comment on column timestep.runs.deadline_at is 'When the part of the run that is under way is cancelled.';

-- Queues that a model's provider asked to slow down.
create table if not exists timestep.queue_pauses (
  queue_name text primary key,
  paused_until timestamptz not null
);
alter table timestep.queue_pauses enable row level security;

do $$
begin
  if exists (select from pg_roles where rolname = 'service_role') then
    grant select on timestep.queue_pauses to service_role;
  end if;
end
$$;

-- The workflow after this one, for the same part of the run: x, x:t1, x:t2, ...
create or replace function timestep.next_workflow_id(workflow_id text) returns text
language sql immutable
set search_path = ''
as $$
  select pg_catalog.regexp_replace(workflow_id, ':t[0-9]+$', '') || ':t'
    || (coalesce(pg_catalog.substring(workflow_id, ':t([0-9]+)$')::integer, 0) + 1)
$$;

-- Puts a workflow into the queue of its run. Not before its queue's pause is over.
create or replace function timestep.enqueue_workflow(
  run timestep.runs,
  workflow_id text,
  not_before timestamptz default null
) returns void
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
declare
  queue text := coalesce(run.dispatch ->> 'queueName', 'agents_direct');
  deduplication_id text := run.dispatch ->> 'deduplicationId';
  partition_key text := run.dispatch ->> 'partitionKey';
begin
  -- greatest() passes over nulls.
  not_before := greatest(not_before, (
    select p.paused_until from timestep.queue_pauses p
    where p.queue_name = queue and p.paused_until > now()
  ));
  -- A queue may have become a partitioned one since: what has no partition is never taken out of it.
  if partition_key is null and queue <> 'agents_direct' and exists (
    select from dbos.queues q where q.name = queue and q.partition_queue
  ) then
    partition_key := coalesce(run.session_id, run.run_id);
  end if;
  -- The first time, a taken id is the caller's business. Later on, going on matters more than the id.
  if deduplication_id is not null and enqueue_workflow.workflow_id <> run.run_id and exists (
    select from dbos.workflow_status s where s.queue_name = queue and s.deduplication_id = run.dispatch ->> 'deduplicationId'
  ) then
    deduplication_id := null;
  end if;
  perform dbos.enqueue_workflow(
    'agentRun',
    queue,
    array[to_json(run.run_id), to_json(run.segment)],
    workflow_id => enqueue_workflow.workflow_id,
    deduplication_id => deduplication_id,
    priority => (run.dispatch ->> 'priority')::integer,
    queue_partition_key => partition_key,
    delay_until_epoch_ms => case when not_before > now()
      then (extract(epoch from not_before) * 1000)::bigint end,
    application_name => run.dispatch ->> 'applicationName'
  );
end
$$;

-- Records a queue, or changes its limits. What waits in one that becomes partitioned gets the partition that
-- enqueue_workflow() would give it now. Returns whether it is recorded: not when another application has the name.
create or replace function timestep.put_queue(
  name text,
  concurrency integer,
  worker_concurrency integer,
  rate_limit_max integer,
  rate_limit_period_sec double precision,
  partition_concurrency integer,
  polling_interval_sec double precision,
  application_name text
) returns boolean
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
begin
  insert into dbos.queues as known (
    name, concurrency, worker_concurrency, rate_limit_max, rate_limit_period_sec, priority_enabled, partition_queue,
    partition_concurrency, polling_interval_sec, updated_at, application_name
  ) values (
    put_queue.name, put_queue.concurrency, put_queue.worker_concurrency, put_queue.rate_limit_max,
    put_queue.rate_limit_period_sec, true, put_queue.partition_concurrency is not null,
    put_queue.partition_concurrency, put_queue.polling_interval_sec, (extract(epoch from now()) * 1000)::bigint,
    put_queue.application_name
  )
  on conflict (name) do update set
    concurrency = excluded.concurrency, worker_concurrency = excluded.worker_concurrency,
    rate_limit_max = excluded.rate_limit_max, rate_limit_period_sec = excluded.rate_limit_period_sec,
    partition_queue = excluded.partition_queue, partition_concurrency = excluded.partition_concurrency,
    polling_interval_sec = excluded.polling_interval_sec, updated_at = excluded.updated_at
  where known.application_name is null or known.application_name = excluded.application_name;
  if not found then
    return false;
  end if;
  if put_queue.partition_concurrency is not null then
    update dbos.workflow_status s set queue_partition_key = coalesce(r.session_id, r.run_id)
    from timestep.runs r
    where r.workflow_id = s.workflow_uuid and s.queue_name = put_queue.name and s.queue_partition_key is null
      and s.status in ('ENQUEUED', 'PENDING', 'DELAYED');
  end if;
  return true;
end
$$;

-- The run that holds a deduplication id in a queue: one that waits or is under way. Null when none does; a workflow that
-- still had the id, of a run that has ended or is paused, has let go of it then.
create or replace function timestep.deduplication_holder(queue_name text, deduplication_id text) returns text
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
declare
  holder text;
begin
  select r.run_id into holder
  from dbos.workflow_status s join timestep.runs r on r.workflow_id = s.workflow_uuid
  where s.queue_name = deduplication_holder.queue_name and s.deduplication_id = deduplication_holder.deduplication_id
    and r.status in ('queued', 'running');
  if not found then
    update dbos.workflow_status s set deduplication_id = null
    where s.queue_name = deduplication_holder.queue_name
      and s.deduplication_id = deduplication_holder.deduplication_id
      and not exists (
        select from timestep.runs r where r.workflow_id = s.workflow_uuid and r.status in ('queued', 'running')
      );
  end if;
  return holder;
end
$$;

-- Puts a run into its queue, under a new workflow. Not before its queue's pause is over.
create or replace function timestep.enqueue_run(
  run_id text,
  workflow_id text,
  not_before timestamptz default null
) returns void
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
declare
  run timestep.runs;
begin
  select * into strict run from timestep.runs r where r.run_id = enqueue_run.run_id for update;
  perform timestep.enqueue_workflow(run, enqueue_run.workflow_id, not_before);
  update timestep.runs r
  set workflow_id = enqueue_run.workflow_id, updated_at = now()
  where r.run_id = enqueue_run.run_id;
end
$$;

-- Claims a workflow for an executor that waits in the queue without limits, instead of waiting until somebody looks:
-- what DBOS does when it takes a workflow out of its queue. Returns whether it is claimed.
create or replace function timestep.claim_directly(
  workflow_id text,
  executor_id text,
  owner_token text,
  application_version text
) returns boolean
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
begin
  update dbos.workflow_status s
  set status = 'PENDING', executor_id = claim_directly.executor_id, owner_xid = claim_directly.owner_token,
    application_version = claim_directly.application_version,
    started_at_epoch_ms = (extract(epoch from now()) * 1000)::bigint, recovery_attempts = 1
  where s.workflow_uuid = claim_directly.workflow_id and s.status = 'ENQUEUED' and s.queue_name = 'agents_direct';
  return found;
end
$$;

-- Records a run, and its agent as it is defined, if they are new: JSON as text. With the JSON of how it is dispatched
-- it is a workflow, which has yet to be put into its queue. Returns the run; nulls when there is one of this id.
create or replace function timestep.create_run(
  run_id text,
  agent_name text,
  agent_fingerprint text,
  definition text,
  session_id text,
  owner_id text,
  input text,
  options text,
  forked_from text default null,
  dispatch text default null
) returns timestep.runs
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
declare
  created timestep.runs;
begin
  if definition is not null then
    insert into timestep.agents (agent_name, fingerprint, definition)
    values (create_run.agent_name, create_run.agent_fingerprint, create_run.definition::json)
    on conflict do nothing;
  end if;
  insert into timestep.runs (
    run_id, agent_name, agent_fingerprint, session_id, owner_id, status, input, options, forked_from, dispatch,
    workflow_id
  ) values (
    create_run.run_id, create_run.agent_name, create_run.agent_fingerprint, create_run.session_id,
    create_run.owner_id, 'queued', create_run.input::json, create_run.options::json, create_run.forked_from,
    create_run.dispatch::json, case when create_run.dispatch is not null then create_run.run_id end
  )
  on conflict on constraint runs_pkey do nothing
  returning * into created;
  return created;
end
$$;

-- Records a run together with the workflow that dispatches it, in its queue; with an executor in the queue without
-- limits, and claimed for that. Returns 'queued' or 'claimed'; null when there is a run of this id, which keeps the
-- workflow it has.
create or replace function timestep.start_run(
  run_id text,
  agent_name text,
  agent_fingerprint text,
  definition text,
  session_id text,
  owner_id text,
  input text,
  options text,
  dispatch text,
  delay_seconds double precision default null,
  executor_id text default null,
  owner_token text default null,
  application_version text default null
) returns text
language plpgsql
set search_path = ''
as $$
declare
  run timestep.runs := timestep.create_run(
    run_id, agent_name, agent_fingerprint, definition, session_id, owner_id, input, options, null, dispatch
  );
begin
  if run.run_id is null then
    return null;
  end if;
  perform timestep.enqueue_workflow(run, run.run_id, now() + make_interval(secs => delay_seconds));
  if executor_id is not null
    and timestep.claim_directly(run.run_id, executor_id, owner_token, application_version) then
    return 'claimed';
  end if;
  return 'queued';
end
$$;

-- Takes a part of a run over for an executor, which has to know its agent and have its language: from now on no other
-- one can record anything of it. With a workflow only while that is the run's. Nulls when there is nothing to execute.
create or replace function timestep.claim_run(
  run_id text,
  segment integer,
  executor_id text,
  agent_names text[],
  language text,
  workflow_id text default null,
  out agent_name text,
  out agent_fingerprint text,
  out session_id text,
  out session_is_empty boolean,
  out epoch integer,
  out input json,
  out options json,
  out dispatch json
)
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
begin
  update timestep.runs r
  set status = 'running', epoch = r.epoch + 1, executor_id = claim_run.executor_id, language = claim_run.language,
    -- Time in a queue does not count.
    deadline_at = case when r.status = 'queued' then r.deadline_at + (now() - r.updated_at) else r.deadline_at end,
    updated_at = now()
  where r.run_id = claim_run.run_id and r.segment = claim_run.segment and r.status in ('queued', 'running')
    and r.agent_name = any(agent_names) and coalesce(r.language, claim_run.language) = claim_run.language
    and (claim_run.workflow_id is null or r.workflow_id = claim_run.workflow_id)
  returning r.agent_name, r.agent_fingerprint, r.session_id, r.epoch, r.input, r.options, r.dispatch
  into agent_name, agent_fingerprint, session_id, epoch, input, options, dispatch;
  -- Not by looking for items: where there are none, a plan made while the table was small would look through all of it.
  session_is_empty := coalesce(
    (select s.next_position = 0 from timestep.sessions s where s.session_id = claim_run.session_id), true
  );
end
$$;

-- Gives a run that a process could not go on with to a new workflow, at the old one's place in the queue.
create or replace function timestep.requeue_run(
  run_id text,
  not_before timestamptz default null
) returns void
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
declare
  old_id text;
  new_id text;
begin
  update timestep.runs r set status = 'queued'
  where r.run_id = requeue_run.run_id and r.status in ('queued', 'running')
  returning r.workflow_id into old_id;
  if old_id is null then
    return;
  end if;
  -- Only one of the two may hold the deduplication id. Who did not know the agent has started nothing.
  update dbos.workflow_status s
  set deduplication_id = null,
    rate_limited = s.rate_limited and not_before is distinct from to_timestamp(timestep.until_agent_known() / 1000)
  where s.workflow_uuid = old_id;
  new_id := timestep.next_workflow_id(old_id);
  perform timestep.enqueue_run(run_id, new_id, not_before);
  update dbos.workflow_status s set created_at = old.created_at
  from dbos.workflow_status old
  where s.workflow_uuid = new_id and old.workflow_uuid = old_id;
end
$$;

-- Nothing of this queue starts before the given time; what waits in it already waits until then.
create or replace function timestep.pause_queue(queue_name text, paused_until timestamptz) returns void
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
begin
  insert into timestep.queue_pauses as p (queue_name, paused_until)
  values (pause_queue.queue_name, pause_queue.paused_until)
  on conflict (queue_name) do update set paused_until = greatest(p.paused_until, excluded.paused_until);
  update dbos.workflow_status s
  set status = 'DELAYED', delay_until_epoch_ms = (extract(epoch from pause_queue.paused_until) * 1000)::bigint
  where s.queue_name = pause_queue.queue_name and s.status = 'ENQUEUED' and s.name = 'agentRun';
end
$$;

-- Ends a run for good, in whatever process it is: raising the epoch shuts that process out at once.
create or replace function timestep.cancel_run(run_id text, error json default null) returns boolean
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
declare
  cancelled_workflow_id text;
begin
  update timestep.runs r
  set status = 'cancelled', error = cancel_run.error, epoch = r.epoch + 1, executor_id = null, deadline_at = null,
    finished_at = now(), updated_at = now()
  where r.run_id = cancel_run.run_id and r.status in ('queued', 'running', 'interrupted', 'unknown_outcome')
  returning r.workflow_id into cancelled_workflow_id;
  if not found then
    return false;
  end if;
  if cancelled_workflow_id is not null then
    -- What DBOS itself does to cancel.
    update dbos.workflow_status s
    set status = 'CANCELLED', owner_xid = null, queue_name = null, deduplication_id = null,
      started_at_epoch_ms = null,
      updated_at = (extract(epoch from now()) * 1000)::bigint,
      completed_at = (extract(epoch from now()) * 1000)::bigint
    where s.workflow_uuid = cancelled_workflow_id and s.status in ('ENQUEUED', 'PENDING', 'DELAYED');
  end if;
  return true;
end
$$;

-- Whether an executor has been heard of within the timeout. After a restart of Postgres nobody could have been:
-- the timeout counts from there.
create or replace function timestep.is_alive(executor_id text, timeout interval) returns boolean
language sql stable
set search_path = ''
as $$
  select exists (
    select from timestep.executors e
    where e.executor_id = is_alive.executor_id
      and greatest(e.last_seen_at, pg_postmaster_start_time()) > now() - timeout
  )
$$;

-- Of the runs that waited for a process that knows their agent, the workflows of those that a process of this executor's
-- may start, by the limits of their queues.
create or replace function timestep.startable(
  executor_id text,
  application_name text,
  agent_names text[],
  language text
) returns setof text
language plpgsql stable
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  with waiting as (
    select s.workflow_uuid, s.queue_name, s.queue_partition_key,
      row_number() over (partition by s.queue_name order by s.priority, s.created_at) as place,
      row_number() over (
        partition by s.queue_name, s.queue_partition_key order by s.priority, s.created_at
      ) as place_in_partition
    from timestep.runs r
    join dbos.workflow_status s on s.workflow_uuid = r.workflow_id
    where r.status = 'queued' and r.agent_name = any(startable.agent_names)
      and coalesce(r.language, startable.language) = startable.language
      and (s.application_name = startable.application_name or s.application_name is null)
      and s.status = 'DELAYED' and s.delay_until_epoch_ms = timestep.until_agent_known()
  ),
  pending as (
    select p.queue_name, p.queue_partition_key, p.executor_id
    from dbos.workflow_status p
    where p.status = 'PENDING' and p.queue_name in (select w.queue_name from waiting w)
  )
  select w.workflow_uuid
  from waiting w left join dbos.queues q on q.name = w.queue_name
  -- least() passes over nulls, which are limits that there are not.
  where w.place <= coalesce(least(
      q.concurrency - (select count(*) from pending p where p.queue_name = w.queue_name),
      q.worker_concurrency - (
        select count(*) from pending p
        where p.queue_name = w.queue_name and p.executor_id = startable.executor_id
      ),
      q.rate_limit_max - (
        select count(*) from dbos.workflow_status l
        where l.queue_name = w.queue_name and l.rate_limited and l.status not in ('ENQUEUED', 'DELAYED')
          and l.started_at_epoch_ms > extract(epoch from now()) * 1000 - q.rate_limit_period_sec * 1000
      )
    ), w.place)
    and w.place_in_partition <= coalesce(q.partition_concurrency - (
      select count(*) from pending p
      where p.queue_name = w.queue_name and p.queue_partition_key = w.queue_partition_key
    ), w.place_in_partition);
end
$$;

-- Gives runs to this executor, in place: those of executors that are dead or let go of them, which keep their place and
-- their share of their queue's limits, and those that waited for a process that knows their agent.
-- A run that has killed its executor many times waits longer each time, up to five minutes.
create or replace function timestep.take_over(
  executor_id text,
  owner_token text,
  application_name text,
  application_version text,
  agent_names text[],
  timeout interval,
  max_runs integer,
  language text default 'typescript'
) returns setof text
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
declare
  startable text[] := array(select timestep.startable(executor_id, application_name, agent_names, language));
begin
  if cardinality(startable) > 0 then
    -- DBOS looks which partitions are free, and then takes the first of each: what it has just seen, it does not get.
    -- A moment later it finds it again.
    update dbos.workflow_status s
    set status = 'DELAYED', delay_until_epoch_ms = (extract(epoch from now()) * 1000)::bigint
    from dbos.workflow_status w join dbos.queues q on q.name = w.queue_name
    where w.workflow_uuid = any(startable) and q.partition_concurrency is not null
      and s.queue_name = w.queue_name and s.queue_partition_key = w.queue_partition_key and s.status = 'ENQUEUED';
    startable := array(select timestep.startable(executor_id, application_name, agent_names, language));
  end if;
  return query
  with forsaken as (
    select s.workflow_uuid
    from timestep.runs r
    join dbos.workflow_status s on s.workflow_uuid = r.workflow_id
    where r.status in ('queued', 'running')
      and r.agent_name = any(agent_names)
      and coalesce(r.language, take_over.language) = take_over.language
      and (s.application_name = take_over.application_name or s.application_name is null)
      and (
        (s.status = 'PENDING' and not timestep.is_alive(s.executor_id, timeout)
          and (s.recovery_attempts <= 8 or s.updated_at
            < extract(epoch from now()) * 1000 - 1000 * least(300, power(2, least(s.recovery_attempts - 8, 9)))))
        or (s.status = 'DELAYED' and s.workflow_uuid = any(startable))
      )
    order by s.priority, s.created_at
    limit max_runs
    for update of s skip locked
  )
  update dbos.workflow_status s
  set status = 'PENDING',
    executor_id = take_over.executor_id,
    owner_xid = take_over.owner_token,
    application_name = take_over.application_name,
    application_version = take_over.application_version,
    recovery_attempts = s.recovery_attempts + 1,
    delay_until_epoch_ms = null,
    rate_limited = s.rate_limited or (s.status = 'DELAYED' and exists (
      select from dbos.queues q where q.name = s.queue_name and q.rate_limit_max is not null
    )),
    started_at_epoch_ms = coalesce(s.started_at_epoch_ms, (extract(epoch from now()) * 1000)::bigint),
    updated_at = (extract(epoch from now()) * 1000)::bigint
  from forsaken
  where s.workflow_uuid = forsaken.workflow_uuid
  returning s.workflow_uuid;
end
$$;

-- The delay, the end of the year 9999, that marks a workflow as waiting for a process that knows its agent.
create or replace function timestep.until_agent_known() returns bigint
language sql immutable
set search_path = ''
as $$ select 253402300799000::bigint $$;

-- Mends what a crash at a bad moment, or a workflow that DBOS gave up, can leave behind. Returns how many runs
-- went back to their queue.
create or replace function timestep.sweep(timeout interval default '10 seconds') returns integer
language plpgsql
set search_path = ''
as $$
declare
  orphan record;
  orphans integer := 0;
begin
  if to_regclass('dbos.workflow_status') is null then
    return 0;
  end if;
  -- Runs that should go on and have no workflow that would.
  for orphan in
    select r.run_id
    from timestep.runs r
    where r.finished_at is null and r.status in ('queued', 'running') and r.workflow_id is not null
      -- One by one: a join would be made by reading all workflows there ever were.
      and coalesce((
        select s.status not in ('ENQUEUED', 'PENDING', 'DELAYED')
        from dbos.workflow_status s where s.workflow_uuid = r.workflow_id
      ), true)
    for update of r skip locked
  loop
    perform timestep.requeue_run(orphan.run_id);
    orphans := orphans + 1;
  end loop;
  -- Workflows of the dead that no run needs any more, and that would fill their queue's limits for ever.
  update dbos.workflow_status s
  set status = 'CANCELLED', owner_xid = null, queue_name = null, deduplication_id = null,
    completed_at = (extract(epoch from now()) * 1000)::bigint
  where s.status = 'PENDING' and s.queue_name is not null and s.name = 'agentRun'
    and not timestep.is_alive(s.executor_id, timeout)
    and not exists (
      select from timestep.runs r
      where r.workflow_id = s.workflow_uuid and r.status in ('queued', 'running')
    );
  delete from timestep.executors e where e.last_seen_at < now() - timeout - interval '1 day';
  delete from timestep.queue_pauses p where p.paused_until < now();
  return orphans;
end
$$;

-- Hands the runs of dead executors back to their queues, for whoever comes next. A launched process does this by
-- itself, and better, as it takes them over in place; this is for pg_cron, when no process may be there at all:
-- select cron.schedule('reap', '10 seconds', 'select timestep.reap()');
create or replace function timestep.reap(timeout interval default '10 seconds') returns integer
language plpgsql
set search_path = ''
as $$
declare
  reaped integer;
begin
  if to_regclass('dbos.workflow_status') is null then
    return 0;
  end if;
  with forsaken as (
    select s.workflow_uuid
    from timestep.runs r
    join dbos.workflow_status s on s.workflow_uuid = r.workflow_id
    where r.status in ('queued', 'running') and s.status = 'PENDING'
      and not timestep.is_alive(s.executor_id, timeout)
    for update of s skip locked
  )
  update dbos.workflow_status s
  set status = 'ENQUEUED', owner_xid = null, executor_id = '', started_at_epoch_ms = null,
    updated_at = (extract(epoch from now()) * 1000)::bigint
  from forsaken
  where s.workflow_uuid = forsaken.workflow_uuid;
  get diagnostics reaped = row_count;
  return reaped + timestep.sweep(timeout);
end
$$;

-- With a run go its workflows, those of its parts and those that were replaced. Otherwise they would stay for ever, and a
-- new run of the same id would have one that is over.
create or replace function timestep.forget_workflows() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  workflow_id text;
begin
  if to_regclass('dbos.workflow_status') is null then
    return null;
  end if;
  for part in 0..old.segment loop
    workflow_id := case when part = 0 then old.run_id else old.run_id || ':r' || part end;
    loop
      delete from dbos.workflow_status s where s.workflow_uuid = workflow_id;
      exit when not found;
      workflow_id := timestep.next_workflow_id(workflow_id);
    end loop;
  end loop;
  return null;
end
$$;
create or replace trigger runs_forget_workflows after delete on timestep.runs
for each row when (old.workflow_id is not null) execute function timestep.forget_workflows();

create index if not exists runs_workflow on timestep.runs (workflow_id) where workflow_id is not null;

insert into timestep.migrations (version) values ('20261121000600') on conflict do nothing;
`,
  },
  {
    version: "20261121000650",
    sql: `
-- Runs that start by the clock. SQL reads no crontabs: whoever makes a schedule, and later the workers that know its
-- agent, note the ticks to come. SQL fires them, so that pg_cron can do it with no process alive.
create table if not exists timestep.schedules (
  name text primary key,
  crontab text not null,
  timezone text not null,
  agent_name text not null,
  agent_fingerprint text,
  input json not null,
  session_id text,
  owner_id text,
  dispatch json not null,
  options json not null,
  missed text not null,
  paused boolean not null default false,
  ticks timestamptz[] not null,
  next_at timestamptz not null,
  renew_at timestamptz not null,
  last_fired_at timestamptz,
  created_at timestamptz not null default now(),
  constraint schedules_missed_is_known check (missed in ('skip', 'once')),
  constraint schedules_next_at_is_a_tick check (next_at = any(ticks)),
  constraint schedules_renew_at_is_in_time check (renew_at <= ticks[cardinality(ticks)])
);
comment on column timestep.schedules.ticks is
  'Ticks without a gap, the oldest first. The last is fired once it is known what comes after it.';
comment on column timestep.schedules.next_at is 'The tick to be fired next; whoever fires it moves it on.';
comment on column timestep.schedules.renew_at is 'When more ticks are to be noted, or in case a time zone has changed.';
create index if not exists schedules_due on timestep.schedules (next_at) where not paused;
create index if not exists schedules_to_renew on timestep.schedules (renew_at) where not paused;
alter table timestep.schedules enable row level security;

do $$
begin
  if exists (select from pg_roles where rolname = 'service_role') then
    grant select on timestep.schedules to service_role;
  end if;
end
$$;

-- When to note further ticks: halfway, and each day.
create or replace function timestep.renew_ticks_at(ticks timestamptz[]) returns timestamptz
language sql stable
set search_path = ''
as $$
  select least(now() + interval '1 day', ticks[(cardinality(ticks) + 1) / 2])
$$;

-- Makes a schedule, or changes it. Its next tick stays when crontab and time zone are the same.
create or replace function timestep.put_schedule(
  name text,
  crontab text,
  timezone text,
  agent_name text,
  agent_fingerprint text,
  input json,
  session_id text,
  owner_id text,
  dispatch json,
  options json,
  missed text,
  ticks timestamptz[]
) returns void
language sql
set search_path = ''
as $$
  insert into timestep.schedules as known (
    name, crontab, timezone, agent_name, agent_fingerprint, input, session_id, owner_id, dispatch, options, missed,
    ticks, next_at, renew_at
  )
  values (
    put_schedule.name, put_schedule.crontab, put_schedule.timezone, put_schedule.agent_name,
    put_schedule.agent_fingerprint, put_schedule.input, put_schedule.session_id, put_schedule.owner_id,
    put_schedule.dispatch, put_schedule.options, put_schedule.missed,
    put_schedule.ticks, put_schedule.ticks[1], timestep.renew_ticks_at(put_schedule.ticks)
  )
  on conflict on constraint schedules_pkey do update set
    crontab = excluded.crontab, timezone = excluded.timezone,
    agent_name = excluded.agent_name, agent_fingerprint = excluded.agent_fingerprint,
    input = excluded.input, session_id = excluded.session_id, owner_id = excluded.owner_id,
    dispatch = excluded.dispatch, options = excluded.options, missed = excluded.missed,
    (ticks, next_at, renew_at) = (
      select case when same then known.ticks else excluded.ticks end,
        case when same then known.next_at else excluded.next_at end,
        case when same then known.renew_at else excluded.renew_at end
      from (values (known.crontab = excluded.crontab and known.timezone = excluded.timezone)) as clock (same)
    )
$$;

-- Goes on with a schedule that rests, from the first of these ticks on. Whether there is one of this name.
create or replace function timestep.resume_schedule(name text, ticks timestamptz[]) returns boolean
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
begin
  update timestep.schedules s
  set paused = false, ticks = resume_schedule.ticks, next_at = resume_schedule.ticks[1],
    renew_at = timestep.renew_ticks_at(resume_schedule.ticks)
  where s.name = resume_schedule.name and s.paused;
  return found or exists (select from timestep.schedules s where s.name = resume_schedule.name);
end
$$;

-- Notes ticks from the next one on, or from the last that was missed. Does nothing when the schedule has changed.
create or replace function timestep.renew_schedule(
  name text,
  crontab text,
  timezone text,
  ticks timestamptz[]
) returns void
language sql
set search_path = ''
as $$
  update timestep.schedules s
  set ticks = renew_schedule.ticks,
    next_at = (select min(t.tick) from unnest(renew_schedule.ticks) as t (tick) where t.tick >= s.next_at),
    renew_at = timestep.renew_ticks_at(renew_schedule.ticks)
  where s.name = renew_schedule.name and s.crontab = renew_schedule.crontab
    and s.timezone = renew_schedule.timezone and not s.paused
    and s.next_at <= renew_schedule.ticks[cardinality(renew_schedule.ticks)]
$$;

-- Decides which of a schedule's ticks to fire, and where to go on. Ticks that are late were missed: \`once\` fires the
-- last of them, unless one is due that is not late; \`skip\` fires none. More than 60 at once are too many, as of a
-- schedule for every second after a hiccup. Where the noted ticks end, what was missed is not known: it is fired when
-- more are noted.
create or replace function timestep.due_ticks(
  ticks timestamptz[],
  next_at timestamptz,
  now timestamptz,
  late interval,
  missed text,
  out fire timestamptz[],
  out following timestamptz
)
language sql stable
set search_path = ''
as $$
  with noted as (
    select t.tick, lead(t.tick) over (order by t.tick) as following
    from unnest(due_ticks.ticks) as t (tick) where t.tick >= due_ticks.next_at
  ),
  due as (
    select n.tick, n.tick >= due_ticks.now - due_ticks.late as punctual,
      row_number() over (order by n.tick desc) as from_last
    from noted n where n.tick <= due_ticks.now and n.following is not null
  ),
  rest as (select min(n.tick) filter (where n.tick > due_ticks.now) as next, max(n.tick) as last from noted n),
  fired as (
    select coalesce(array_agg(d.tick order by d.tick), '{}') as ticks
    from due d cross join rest r
    where case when exists (select from due p where p.punctual) then d.punctual and d.from_last <= 60
      else due_ticks.missed = 'once' and d.from_last = 1 and r.next is not null end
  )
  select f.ticks, coalesce(r.next, case when cardinality(f.ticks) > 0 then r.last else due_ticks.next_at end)
  from fired f cross join rest r
$$;

-- Makes the runs of all schedules that are due, each in its queue; whoever comes next executes them. Workers and
-- pg_cron call it as often as they like: a schedule's row is locked while it is fired, and the tick is in the run's id.
-- Returns how many runs are new.
create or replace function timestep.fire_schedules(late interval default '30 seconds') returns integer
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
declare
  schedule timestep.schedules;
  due record;
  tick timestamptz;
  tick_run_id text;
  made integer;
  fired integer := 0;
begin
  -- Where there is a schedule there were DBOS's tables: somebody may have dropped them.
  if to_regclass('dbos.workflow_status') is null then
    return 0;
  end if;
  for schedule in
    select s.* from timestep.schedules s
    where not s.paused and s.next_at <= now()
    order by s.next_at limit 1000 for update skip locked
  loop
    -- One that cannot be fired is no reason not to fire the others.
    begin
      due := timestep.due_ticks(schedule.ticks, schedule.next_at, now(), late, schedule.missed);
      made := 0;
      foreach tick in array due.fire loop
        -- As JavaScript writes it.
        tick_run_id := schedule.name || ':' || to_char(tick at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
        if timestep.start_run(
          tick_run_id, schedule.agent_name, schedule.agent_fingerprint, null, schedule.session_id, schedule.owner_id,
          schedule.input::text, schedule.options::text, schedule.dispatch::text
        ) is not null then
          made := made + 1;
        end if;
      end loop;
      update timestep.schedules s
      set next_at = due.following, last_fired_at = coalesce(due.fire[cardinality(due.fire)], s.last_fired_at)
      where s.name = schedule.name;
      fired := fired + made;
    exception
      when others then
        raise warning 'Cannot fire schedule "%": %', schedule.name, sqlerrm;
    end;
  end loop;
  return fired;
end
$$;

insert into timestep.migrations (version) values ('20261121000650') on conflict do nothing;
`,
  },
  {
    version: "20261121000700",
    sql: `
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
-- it would exceed, \`recent\` or \`active\`, as JSON: with columns, a row would be put aside first, and read from there.
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
        and (j.kind in ('model', 'tool') or j.kind = 'guardrail' and j.key like 'guardrail:%:tool\\_%')
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
`,
  },
  {
    version: "20261121000710",
    sql: `
-- Wakes workers, where the extensions for it are: pg_cron looks every ten seconds, pg_net sends the request, and the
-- Vault has the worker's address and the key. Without them all of this does nothing.

-- Whether there is a table or view, of a schema that an extension may have made. to_regclass() says so only to those
-- who may use the schema, and fails for others.
create or replace function timestep.has_relation(schema_name text, relation_name text) returns boolean
language sql stable
set search_path = ''
as $$
  select exists (
    select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = schema_name and c.relname = relation_name
  )
$$;

-- Asks for a worker. Fire and forget: the request is sent after the transaction, and answered at once. Whoever asks
-- has work to record, which must not fail for it: what goes wrong here is a warning, and pg_cron asks again.
-- Needs two secrets in the Vault: timestep_worker_url, e.g. https://REF.supabase.co/functions/v1/worker, and
-- timestep_dispatch_key, the same as the function's TIMESTEP_DISPATCH_KEY.
create or replace function timestep.wake_worker() returns boolean
language plpgsql
security definer
set search_path = ''
as $$
declare
  worker_url text;
  dispatch_key text;
begin
  if not timestep.has_relation('vault', 'decrypted_secrets') or not timestep.has_relation('net', 'http_request_queue') then
    return false;
  end if;
  execute 'select max(decrypted_secret) filter (where name = ''timestep_worker_url''),
      max(decrypted_secret) filter (where name = ''timestep_dispatch_key'')
    from vault.decrypted_secrets'
  into worker_url, dispatch_key;
  if worker_url is null or dispatch_key is null then
    return false;
  end if;
  execute 'select net.http_post(url := $1, headers := $2, body := ''{}''::jsonb, timeout_milliseconds := 5000)'
  using worker_url || '/v1/internal/tick',
    jsonb_build_object('content-type', 'application/json', 'apikey', dispatch_key);
  perform set_config('timestep.worker_is_woken', 'true', true);
  return true;
exception
  when others then
    raise warning 'Cannot wake a worker: %', sqlerrm;
    return false;
end
$$;
revoke all on function timestep.wake_worker() from public;

-- Whether a worker would find something to do.
create or replace function timestep.has_work() returns boolean
language plpgsql stable
set search_path = ''
as $$
begin
  -- What is still due has no ticks left that are known: they are read from its crontab.
  if exists (select from timestep.schedules s where not s.paused and s.next_at <= now()) then
    return true;
  end if;
  -- Before the first run there is none of DBOS's tables.
  if to_regclass('dbos.workflow_status') is null then
    return false;
  end if;
  -- One by one, and only those under way: a join would be made by reading all runs there ever were.
  return exists (
    with under_way as materialized (
      select r.workflow_id from timestep.runs r where r.finished_at is null and r.status in ('queued', 'running')
    )
    select from under_way u
    where (
      select s.status = 'ENQUEUED'
        or s.status = 'DELAYED' and s.delay_until_epoch_ms <= extract(epoch from now()) * 1000
      from dbos.workflow_status s where s.workflow_uuid = u.workflow_id
    )
  );
end
$$;

-- What pg_cron does: hands back the runs of dead processes, makes the runs of schedules that are due, and wakes a
-- worker if there is something to do. Who calls it less often than the ticks that are late says how late they may be.
create or replace function timestep.tick(late interval default '30 seconds') returns boolean
language plpgsql
set search_path = ''
as $$
begin
  perform timestep.reap();
  perform timestep.fire_schedules(late);
  return timestep.has_work() and timestep.wake_worker();
exception
  -- The first process that ever runs an agent is creating DBOS's tables.
  when undefined_table or undefined_column then
    return false;
end
$$;
revoke all on function timestep.tick(interval) from public;

-- A run that was put into a queue, and that nobody has claimed by the end of the transaction, needs a worker now: one
-- for all runs of the transaction.
create or replace function timestep.wake_worker_for_run() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if coalesce(current_setting('timestep.worker_is_woken', true), '') <> 'true'
    and timestep.has_relation('net', 'http_request_queue') and exists (
    select from dbos.workflow_status s where s.workflow_uuid = new.workflow_id and s.status = 'ENQUEUED'
  ) then
    perform timestep.wake_worker();
  end if;
  return null;
end
$$;
drop trigger if exists runs_wake_worker on timestep.runs;
create constraint trigger runs_wake_worker
after insert or update of workflow_id on timestep.runs
deferrable initially deferred
for each row
when (new.workflow_id is not null and new.status = 'queued')
execute function timestep.wake_worker_for_run();

-- Tells pg_cron. Called here, and by you when you create the extension later. Again: nothing changes.
-- Before its version 1.5 pg_cron knows no seconds: there it looks every minute.
create or replace function timestep.schedule_ticks() returns boolean
language plpgsql
set search_path = ''
as $$
declare
  version integer[];
begin
  if not timestep.has_relation('cron', 'job') then
    return false;
  end if;
  select string_to_array(substring(x.extversion from '^[0-9]+[.][0-9]+'), '.')::integer[] into version
  from pg_catalog.pg_extension x where x.extname = 'pg_cron';
  if version >= array[1, 5] then
    execute 'select cron.schedule(''timestep-tick'', ''10 seconds'', ''select timestep.tick()'')';
  else
    execute 'select cron.schedule(''timestep-tick'', ''* * * * *'', ''select timestep.tick(''''90 seconds'''')'')';
  end if;
  -- pg_cron keeps a row for each time, for ever.
  execute 'select cron.schedule(''timestep-forget-ticks'', ''7 3 * * *'', $1)'
  using 'delete from cron.job_run_details d using cron.job j
    where j.jobid = d.jobid and j.jobname like ''timestep-%'' and d.end_time < now() - interval ''1 day''';
  return true;
end
$$;
revoke all on function timestep.schedule_ticks() from public;

do $$
begin
  perform timestep.schedule_ticks();
exception
  -- Whoever may migrate may not always schedule: then the owner of the extension calls the function.
  when insufficient_privilege then
    raise notice 'Cannot schedule timestep.tick(): call timestep.schedule_ticks() as the owner of pg_cron.';
end
$$;

-- Functions are the server's. Some of them take whom to act for as an argument: no caller's role may call them, even
-- where the schema is exposed. Policies need to know who is asking.
revoke execute on all functions in schema timestep from public;
grant execute on function timestep.caller_id(), timestep.caller_agents() to public;

insert into timestep.migrations (version) values ('20261121000710') on conflict do nothing;
`,
  },
];
