import type { Parameter } from "../database/database.ts";
import type { PendingWrite, RunOwner } from "./journal_writer.ts";

/**
 * Locks the run against being taken over until the statement's transaction is committed; no row when it is not
 * this owner's. A takeover under way is waited for, and then seen.
 */
const OWNER = (lock: "share" | "no key update") => `
with owner as (
  select run_id from timestep.runs
  where run_id = $1 and epoch = $2::int and status = 'running' for ${lock}
)`;

const ROWS = (parameter: string) =>
  `, written_rows as (
  insert into timestep.journal as known (
    run_id, key, position, segment, epoch, attempt, kind, status, name, fingerprint, output, context_patch
  )
  select
    owner.run_id, row.key, row.position, $3::int, $2::int, row.attempt, row.kind, row.status, row.name,
    row.fingerprint, row.output, row.context_patch
  from owner, json_to_recordset(${parameter}::text::json) as row (
    key text, position bigint, attempt int, kind text, status text, name text, fingerprint text,
    output json, context_patch json
  )
  on conflict on constraint journal_pkey do update set
    position = excluded.position, epoch = excluded.epoch, attempt = excluded.attempt, status = excluded.status,
    output = excluded.output, context_patch = excluded.context_patch, recorded_at = now()
  where known.status = 'started'
)`;

const EVENTS = (parameter: string) =>
  `, written_events as (
  insert into timestep.run_events (run_id, position, step, attempt, events)
  select owner.run_id, batch.position, batch.step, batch.attempt, batch.events
  from owner, json_to_recordset(${parameter}::text::json) as batch (
    position bigint, step text, attempt int, events json
  )
  on conflict on constraint run_events_pkey do nothing
)`;

const PUBLISHED = (parameter: string) =>
  `, written_positions as (
  update timestep.journal as known set position = published.position
  from owner, json_to_recordset(${parameter}::text::json) as published (key text, position bigint)
  where known.run_id = owner.run_id and known.key = published.key and known.position is null
)`;

const END = (parameter: string) =>
  `, segment_end as (
  select owner.run_id, segment_end.*
  from owner, json_to_recordset(${parameter}::text::json) as segment_end (
    status text, final_output json, error json, usage json
  )
), written_end as (
  update timestep.runs as run set
    status = segment_end.status, final_output = segment_end.final_output, error = segment_end.error,
    executor_id = null, updated_at = now(),
    finished_at = case when segment_end.status in ('completed', 'blocked', 'failed', 'cancelled') then now() end
  from segment_end where run.run_id = segment_end.run_id
), written_usage as (
  insert into timestep.usage as known (
    run_id, model, requests, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, total_tokens
  )
  select segment_end.run_id, used.*
  from segment_end, json_to_recordset(segment_end.usage) as used (
    model text, requests bigint, input_tokens bigint, cached_input_tokens bigint, output_tokens bigint,
    reasoning_tokens bigint, total_tokens bigint
  )
  on conflict on constraint usage_pkey do update set
    requests = known.requests + excluded.requests,
    input_tokens = known.input_tokens + excluded.input_tokens,
    cached_input_tokens = known.cached_input_tokens + excluded.cached_input_tokens,
    output_tokens = known.output_tokens + excluded.output_tokens,
    reasoning_tokens = known.reasoning_tokens + excluded.reasoning_tokens,
    total_tokens = known.total_tokens + excluded.total_tokens,
    updated_at = now()
)`;

const OWNED = ` select count(*)::int as owned from owner`;

/** The one statement that writes all of it; nothing when there is nothing to write. */
export function writeStatement(
  { runId, epoch, segment }: RunOwner,
  { rows, events, published, end }: PendingWrite,
): { text: string; parameters: Parameter[] } | undefined {
  if (!rows && !events && !published && !end) return undefined;
  const parameters: Parameter[] = [runId, epoch];
  let text = OWNER(end ? "no key update" : "share");
  if (rows) {
    parameters.push(segment, rows);
    text += ROWS("$4");
  }
  for (const [part, sql] of [[events, EVENTS], [published, PUBLISHED], [end, END]] as const) {
    if (part) text += sql(`$${parameters.push(part)}`);
  }
  return { text: text + OWNED, parameters };
}
