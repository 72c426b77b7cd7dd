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
