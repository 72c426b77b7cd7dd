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

-- Decides which of a schedule's ticks to fire, and where to go on. Ticks that are late were missed: `once` fires the
-- last of them, unless one is due that is not late; `skip` fires none. More than 60 at once are too many, as of a
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
