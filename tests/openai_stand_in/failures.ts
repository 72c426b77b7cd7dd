import { z } from "zod";
import { ApiError } from "./errors.ts";

/** How one request is to fail: with a status, by a connection that drops, or by a model that does not finish. */
export const failureSchema = z.union([
  z.strictObject({
    /** The HTTP status, like 429 or 500. */
    status: z.number().int().min(400).max(599),
    /** Sent as `retry-after`. */
    retryAfterSeconds: z.number().optional(),
    code: z.string().optional(),
    message: z.string().optional(),
  }),
  z.strictObject({
    /** The connection drops after so many events of the stream; without a stream, before the answer. */
    dropAfterEvents: z.number().int().min(0),
  }),
  z.strictObject({
    /** The response comes, and says that it has failed or that it is not whole. */
    ending: z.enum(["failed", "incomplete"]),
  }),
]);

/** How one request is to fail. */
export type Failure = z.infer<typeof failureSchema>;

/** The answer of a failure that is a status. */
export function failureResponse(failure: Extract<Failure, { status: number }>): Response {
  const { status, retryAfterSeconds, code, message } = failure;
  const error = new ApiError(status, message ?? defaultMessage(status), code ?? null);
  return error.toResponse(
    retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) },
  );
}

function defaultMessage(status: number): string {
  return status === 429 ? "Rate limit reached." : "The server had an error while processing your request.";
}

/** What ends a body whose connection is to drop; not worth a line in the log. */
export const dropped = new Error("The connection was to drop.");

/** An answer whose connection drops before a byte of its body has come. */
export function droppedResponse(): Response {
  return new Response(new ReadableStream({ start: (controller) => controller.error(dropped) }));
}
