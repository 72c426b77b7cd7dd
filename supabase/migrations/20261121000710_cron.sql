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
