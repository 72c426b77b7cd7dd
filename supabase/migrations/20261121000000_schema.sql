-- The schema, and the record of which migrations it has had. Every file records itself, so it does not
-- matter whether the module or the Supabase CLI applied it.
create schema if not exists timestep;

create table if not exists timestep.migrations (
  version text primary key,
  applied_at timestamptz not null default now(),
  constraint migrations_version_is_timestamp check (version ~ '^[0-9]{14}$')
);

insert into timestep.migrations (version) values ('20261121000000') on conflict do nothing;
