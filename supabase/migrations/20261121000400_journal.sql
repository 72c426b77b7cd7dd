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
create index if not exists journal_position on timestep.journal (run_id, position);

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

-- Processes that execute runs, and when each was last seen alive.
create table if not exists timestep.executors (
  executor_id text primary key,
  started_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now()
);

insert into timestep.migrations (version) values ('20261121000400') on conflict do nothing;
