import type { Call } from "../_context.ts";
import { listPage, parsePage } from "../_page.ts";
import { invalid } from "../api_error.ts";
import { itemId } from "../_ids.ts";
import { ownerIdOf } from "../principal.ts";
import { currentResponse, readerOf } from "./read_response.ts";
import { findResponse, type ResponseRecord } from "./response_record.ts";
import { shownItem } from "./shown_item.ts";
import { streamResponse } from "./stream_response.ts";

export { createResponse } from "./create_response.ts";

/** Answers `GET /v1/responses/{id}`, as JSON or as a stream. */
export async function getResponse(call: Call): Promise<Response> {
  const record = await recordOf(call);
  if (call.query.get("stream") === "true") {
    return await streamResponse(call, record, startingAfter(call.query));
  }
  return Response.json(await readNow(call, record));
}

/** Answers `POST /v1/responses/{id}/cancel`. A run that is over stays as it is. */
export async function cancelResponse(call: Call): Promise<Response> {
  const record = await recordOf(call);
  await cancel(call, record);
  return Response.json(await readNow(call, record));
}

/** Answers `DELETE /v1/responses/{id}`: cancels the run if it is under way, and forgets the response. */
export async function deleteResponse(call: Call): Promise<Response> {
  const record = await recordOf(call);
  await cancel(call, record);
  const database = await call.context.database();
  await database.query(
    `update timestep.responses set deleted_at = now(), input = '[]'
     where response_id = $1 and ($2::text is null or owner_id = $2) and deleted_at is null`,
    [record.responseId, ownerIdOf(call.principal)],
  );
  return Response.json({ id: record.responseId, object: "response", deleted: true });
}

/** Answers `GET /v1/responses/{id}/input_items`. */
export async function listInputItems(call: Call): Promise<Response> {
  const record = await recordOf(call);
  const items = record.input.map((item, place) => ({
    ...shownItem(item),
    id: itemId("in", record.responseId, place),
  }));
  return Response.json(listPage(items, parsePage(call.query)));
}

async function recordOf({ context, principal, ids }: Call): Promise<ResponseRecord> {
  return await findResponse(await context.database(), principal, ids[0] ?? "");
}

async function readNow(call: Call, record: ResponseRecord) {
  return await currentResponse(await readerOf(call), record);
}

/** Cancels the run, if it is at this response: what came after is another response's. */
async function cancel({ context, principal }: Call, { runId, segment }: ResponseRecord): Promise<void> {
  const database = await context.database();
  await database.query(
    `select timestep.cancel_run(run_id) from timestep.runs
     where run_id = $1 and segment <= $2::int and ($3::text is null or owner_id = $3)`,
    [runId, segment, ownerIdOf(principal)],
  );
}

function startingAfter(query: URLSearchParams): number {
  const value = query.get("starting_after");
  if (value === null) return -1;
  if (/^\d{1,15}$/.test(value)) return Number(value);
  throw invalid("starting_after", "'starting_after' has to be the sequence number of an event.");
}
