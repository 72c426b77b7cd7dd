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
