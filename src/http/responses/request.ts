import { z } from "zod";
import { ApiError, invalid } from "../api_error.ts";
import { isId } from "../_ids.ts";

/** What a caller asks for. Everything else that OpenAI's API knows is the agent's own to set, and passed over. */
export interface CreateRequest {
  model: string | null;
  input: string | Record<string, unknown>[];
  stream: boolean;
  background: boolean;
  previousResponseId: string | null;
  conversationId: string | null;
  metadata: Record<string, string>;
}

const flag = z.boolean().nullish().transform((value) => value ?? false);
const metadata = z.record(z.string().max(64), z.string().max(512))
  .refine((value) => Object.keys(value).length <= 16, "has more than 16 entries");
const requestSchema = z.object({
  model: z.string().min(1).nullish(),
  input: z.union([z.string().min(1), z.array(z.record(z.string(), z.unknown())).min(1)]),
  stream: flag,
  background: flag,
  previous_response_id: z.string().nullish(),
  conversation: z.union([z.string(), z.object({ id: z.string() })]).nullish(),
  metadata: metadata.nullish(),
});

/** Parses metadata: at most 16 texts. */
export function parseMetadata(value: unknown): Record<string, string> {
  return parse(z.object({ metadata: metadata.nullish() }), { metadata: value }).metadata ?? {};
}

/**
 * Parses the body of `POST /v1/responses`.
 *
 * @throws {ApiError} 400 that names the field; 404 for a parent whose id cannot be one.
 */
export function parseCreateRequest(body: Record<string, unknown>, maxItems: number): CreateRequest {
  const { model, input, stream, background, previous_response_id, conversation, metadata } = parse(
    requestSchema,
    body,
  );
  const conversationId = typeof conversation === "string" ? conversation : conversation?.id ?? null;
  const previousResponseId = previous_response_id ?? null;
  if (conversationId !== null && previousResponseId !== null) {
    throw invalid("conversation", "'conversation' and 'previous_response_id' cannot be sent together.");
  }
  if (Array.isArray(input) && input.length > maxItems) {
    throw invalid("input", `'input' has ${input.length} items; at most ${maxItems} are accepted.`);
  }
  if (previousResponseId !== null && !isId("resp", previousResponseId)) {
    throw parentNotFound("previous_response_id", "response", previousResponseId);
  }
  if (conversationId !== null && !isId("conv", conversationId)) {
    throw parentNotFound("conversation", "conversation", conversationId);
  }
  return {
    model: model ?? null,
    input,
    stream,
    background,
    previousResponseId,
    conversationId,
    metadata: metadata ?? {},
  };
}

/** The error for a parent that is not there, or is somebody else's. */
export function parentNotFound(param: string, what: string, id: string): ApiError {
  return new ApiError(404, `No ${what} found with id '${id}'.`, { code: "not_found", param });
}

/** Parses a part of a request. The error names the first field that is wrong. */
export function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const param = issue?.path.map(String).join(".") || "body";
  throw invalid(param, `Invalid '${param}': ${issue?.message ?? "it is malformed"}.`);
}
