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
-- Only for who asks for all of them, and says `decided_at is null`: those of one run are found by it, whatever is pending.
create index if not exists interruptions_pending on timestep.interruptions (created_at)
where decided_at is null and status = 'pending';

insert into timestep.migrations (version) values ('20261121000200') on conflict do nothing;
