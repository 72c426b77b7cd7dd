import { z } from "zod";
import type { Queryable } from "../../database/database.ts";
import type { Decision } from "../../workflows/decide.ts";
import { ApiError, invalid } from "../api_error.ts";
import { parseItemId } from "../_ids.ts";
import type { Principal } from "../principal.ts";
import { readApprovals } from "./read_response.ts";
import { parse } from "./request.ts";
import { readResponse, type ResponseRecord } from "./response_record.ts";

/** Decisions about the run behind a response, and what became of it since. */
export interface Approvals {
  /** The response that asked. */
  asked: ResponseRecord;
  /** Its approvals in order; those decided now or before have a decision. */
  decisions: (Decision & { place: number })[];
  /** The places of the approvals that the request leaves open. */
  leftOpen: number[];
}

const approvalResponseSchema = z.object({
  approval_request_id: z.string(),
  approve: z.boolean(),
  reason: z.string().nullish(),
});

/**
 * The approval responses that a request ends with. Those further up are history, as clients that keep no state send
 * it again and again.
 */
export function approvalResponsesAtEnd(items: readonly Record<string, unknown>[]): Record<string, unknown>[] {
  const start = items.findLastIndex((item) => !isAboutApproval(item)) + 1;
  return items.slice(start).filter(({ type }) => type === "mcp_approval_response");
}

function isAboutApproval({ type, id }: Record<string, unknown>): boolean {
  if (type === "mcp_approval_response" || type === "mcp_approval_request") return true;
  return type === "item_reference" && typeof id === "string" && parseItemId(id)?.kind === "mcpr";
}

/**
 * Finds the run that approval responses are about, by the ids alone: they are unique, and belong to the caller.
 *
 * @throws {ApiError} 404 when an id is unknown or somebody else's; 400 when they are about several runs.
 */
export async function findApprovals(
  queryable: Queryable,
  principal: Principal,
  responses: readonly Record<string, unknown>[],
): Promise<Approvals> {
  const answers = responses.map((item) => parse(approvalResponseSchema, item));
  const places = answers.map(({ approval_request_id: id }) => {
    const place = parseItemId(id);
    if (place?.kind !== "mcpr") throw approvalNotFound(id);
    return place;
  });
  const [first] = places;
  const firstId = answers[0]?.approval_request_id ?? "";
  if (!first || places.some(({ hex }) => hex !== first.hex)) {
    throw invalid("input", "The approval responses are about several responses. Answer one at a time.");
  }
  if (new Set(places.map(({ place }) => place)).size < places.length) {
    throw invalid("input", "An approval request is answered twice.");
  }
  const asked = await readResponse(queryable, `resp_${first.hex}`, principal);
  if (!asked) throw approvalNotFound(firstId);
  const approvals = await readApprovals(queryable, asked.runId, asked.segment);
  const decisions = answers.map(({ approval_request_id: id, approve, reason }, index) => {
    const place = places[index]?.place ?? -1;
    const approval = approvals[place];
    if (!approval) throw approvalNotFound(id);
    const message = approve || !reason ? {} : { message: reason };
    return { place, interruptionId: approval.interruptionId, approve, ...message };
  });
  const open = await openPlaces(queryable, asked, approvals.map(({ interruptionId }) => interruptionId));
  const leftOpen = open.filter((place) => !decisions.some((decision) => decision.place === place));
  return { asked, decisions, leftOpen };
}

async function openPlaces(queryable: Queryable, asked: ResponseRecord, ids: string[]): Promise<number[]> {
  const rows = await queryable.query(
    `select interruption_id from timestep.interruptions
     where run_id = $1 and segment = $2::int and status = 'pending'`,
    [asked.runId, asked.segment],
  );
  const pending = new Set(rows.map((row) => String(row["interruption_id"])));
  return ids.flatMap((id, place) => pending.has(id) ? [place] : []);
}

function approvalNotFound(id: string): ApiError {
  return new ApiError(404, `No approval request found with id '${id}'.`, {
    code: "not_found",
    param: "input",
  });
}
