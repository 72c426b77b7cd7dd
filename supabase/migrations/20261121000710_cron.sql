-- Wakes workers, where the extensions for it are: pg_cron looks every ten seconds, pg_net sends the request, and the
-- Vault has the worker's address and the key. Without them all of this does nothing.

-- Asks for a worker. Fire and forget: the request is sent after the transaction, and answered at once.
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
  if to_regclass('vault.decrypted_secrets') is null
    or not exists (
      select from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
      where n.nspname = 'net' and p.proname = 'http_post'
    )
  then
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
  return true;
end
$$;
revoke all on function timestep.wake_worker() from public;

-- Whether a worker would find something to do.
create or replace function timestep.has_work() returns boolean
language plpgsql stable
set search_path = ''
as $$
begin
  if exists (select from timestep.schedules s where not s.paused and s.next_at <= now()) then
    return true;
  end if;
  return to_regclass('dbos.workflow_status') is not null and exists (
    select from timestep.runs r
    join dbos.workflow_status s on s.workflow_uuid = r.workflow_id
    where r.status in ('queued', 'running')
      and (s.status = 'ENQUEUED'
        or s.status = 'DELAYED' and s.delay_until_epoch_ms <= extract(epoch from now()) * 1000)
  );
end
$$;

-- What pg_cron does: hands back the runs of dead processes, and wakes a worker if there is something to do.
create or replace function timestep.tick() returns boolean
language plpgsql
set search_path = ''
as $$
begin
  perform timestep.reap();
  return timestep.has_work() and timestep.wake_worker();
end
$$;
revoke all on function timestep.tick() from public;

-- A run that was put into a queue, and that nobody has claimed by the end of the transaction, needs a worker now.
create or replace function timestep.wake_worker_for_run() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if to_regclass('net.http_request_queue') is not null and exists (
    select from dbos.workflow_status s where s.workflow_uuid = new.workflow_id and s.status = 'ENQUEUED'
  ) then
    perform timestep.wake_worker();
  end if;
  return null;
end
$$;
drop trigger if exists runs_wake_worker on timestep.runs;
create constraint trigger runs_wake_worker
after update of workflow_id on timestep.runs
deferrable initially deferred
for each row
when (new.workflow_id is not null and new.status = 'queued')
execute function timestep.wake_worker_for_run();

-- Tells pg_cron. Called here, and by you when you create the extension later. Again: nothing changes.
create or replace function timestep.schedule_ticks() returns boolean
language plpgsql
set search_path = ''
as $$
begin
  if to_regclass('cron.job') is null then
    return false;
  end if;
  execute 'select cron.schedule(''timestep-tick'', ''10 seconds'', ''select timestep.tick()'')';
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

insert into timestep.migrations (version) values ('20261121000710') on conflict do nothing;
