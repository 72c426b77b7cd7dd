import { z } from "zod";
import type { Queryable } from "../../database/database.ts";
import type { Decision } from "../../workflows/decide.ts";
import { ApiError, invalid } from "../api_error.ts";
import { type ItemPlace, parseItemId } from "../_ids.ts";
import type { Principal } from "../principal.ts";
import { toToolOutput } from "./given_result.ts";
import { translating } from "./input.ts";
import { parse } from "./request.ts";
import { readResponse, type ResponseRecord } from "./response_record.ts";
import { type Interruption, readSegment } from "./segment.ts";

/** What a paused run was waiting for, and what became of it. */
export interface Answers {
  /** The response that asked. */
  asked: ResponseRecord;
  /** What was answered. */
  decisions: Decision[];
  /** The places of what the request leaves open. */
  leftOpen: number[];
}

/** An answer as it was sent: to a request for approval, or with the result of a call. */
interface Answer {
  id: string;
  place: ItemPlace;
  decision: Omit<Decision, "interruptionId">;
}

const approvalSchema = z.object({
  approval_request_id: z.string(),
  approve: z.boolean(),
  reason: z.string().refine((text) => !text.includes("\0") && text.isWellFormed(), {
    error: "must not have a NUL or half of a surrogate pair",
  }).nullish(),
});
const resultSchema = z.object({
  call_id: z.string(),
  output: z.union([z.string(), z.array(z.unknown())], "it has to be a text or a list of parts"),
});

/**
 * What a request ends with that a run waits for. What is further up is history, as clients that keep no state send it
 * again and again.
 */
export function answersAtEnd(items: readonly Record<string, unknown>[]): Record<string, unknown>[] {
  const start = items.findLastIndex((item) => !isQuestion(item) && !isAnswer(item)) + 1;
  return items.slice(start).filter(isAnswer);
}

function isAnswer({ type, call_id: callId }: Record<string, unknown>): boolean {
  return type === "mcp_approval_response" ||
    type === "function_call_output" && typeof callId === "string" && parseItemId(callId)?.kind === "call";
}

function isQuestion({ type, id }: Record<string, unknown>): boolean {
  if (type === "mcp_approval_request" || type === "function_call") return true;
  const kind = type === "item_reference" && typeof id === "string" ? parseItemId(id)?.kind : undefined;
  return kind === "mcpr" || kind === "fc";
}

/**
 * Finds the run that answers are about, by the ids alone: they are unique, and belong to the caller.
 *
 * @throws {ApiError} 404 when an id is unknown or somebody else's; 400 when they are about several runs.
 */
export async function findAnswers(
  queryable: Queryable,
  principal: Principal,
  items: readonly Record<string, unknown>[],
): Promise<Answers> {
  const answers = items.map(toAnswer);
  const last = answers.at(-1);
  if (!last) throw invalid("input", "'input' answers nothing.");
  const asked = await readResponse(queryable, `resp_${last.place.hex}`, principal);
  if (!asked) throw questionNotFound(last.id);
  const now = answers.filter(({ place }) => place.hex === last.place.hex);
  for (const { id, place } of answers) {
    if (place.hex === last.place.hex) continue;
    // What the same run asked before is history. It has got on since.
    const other = await readResponse(queryable, `resp_${place.hex}`, principal);
    if (!other) throw questionNotFound(id);
    if (other.runId === asked.runId && other.segment < asked.segment) continue;
    throw invalid("input", "The answers are about several responses. Answer one at a time.");
  }
  if (new Set(now.map(({ place }) => place.place)).size < now.length) {
    throw invalid("input", "A question is answered twice.");
  }
  const { interruptions } = await readSegment(queryable, principal, asked, asked.segment);
  const decisions = now.map((answer) => toDecision(answer, interruptions));
  const leftOpen = interruptions.filter(({ status, interruptionId }) =>
    status === "pending" && !decisions.some((decision) => decision.interruptionId === interruptionId)
  );
  return { asked, decisions, leftOpen: leftOpen.map(({ place }) => place) };
}

function toAnswer(item: Record<string, unknown>): Answer {
  if (item["type"] === "function_call_output") {
    const { call_id: id, output } = parse(resultSchema, item);
    const given = typeof output === "string" ? output : translating(item, "", () => toToolOutput(output));
    return { id, place: placeOf(id, "call"), decision: { approve: true, output: given } };
  }
  const { approval_request_id: id, approve, reason } = parse(approvalSchema, item);
  const message = approve || !reason ? {} : { message: reason };
  return { id, place: placeOf(id, "mcpr"), decision: { approve, ...message } };
}

function placeOf(id: string, kind: string): ItemPlace {
  const place = parseItemId(id);
  if (place?.kind === kind) return place;
  throw questionNotFound(id);
}

function toDecision({ id, place, decision }: Answer, interruptions: readonly Interruption[]): Decision {
  const asked = interruptions[place.place];
  // A call is not made by approving it, and an approval is not given by a result.
  if (!asked || asked.isCallers !== (place.kind === "call")) throw questionNotFound(id);
  return { interruptionId: asked.interruptionId, ...decision };
}

function questionNotFound(id: string): ApiError {
  const what = parseItemId(id)?.kind === "call" ? "function call" : "approval request";
  return new ApiError(404, `No ${what} found with id '${id}'.`, { code: "not_found", param: "input" });
}
