import type { Call } from "../_context.ts";
import { ApiError } from "../api_error.ts";
import { beginReading, isOver, project, readerOf } from "./read_response.ts";
import type { ResponseRecord } from "./response_record.ts";
import type { WireResponse } from "./wire.ts";

/**
 * Waits until a response is over.
 *
 * Clients take a response that is not over for an empty answer, and ask again, and again. So a request that was not
 * made in the background is refused when it takes too long, in a way that is not tried again; the run goes on.
 *
 * @param executing Resolves when this process no longer executes the run, if it does.
 * @throws {ApiError} 422 with the id when the run takes longer than the request may, or was cancelled.
 */
export async function waitForResponse(
  call: Call,
  record: ResponseRecord,
  executing?: Promise<unknown>,
): Promise<WireResponse> {
  const { foregroundMs } = call.context.limits;
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), foregroundMs);
  try {
    const reading = await beginReading(await readerOf(call), record, timeout.signal, executing);
    reading.projection.begin();
    for await (const news of reading.news) {
      await project(reading, news);
      const { response } = reading.projection;
      if (!isOver(record, news)) continue;
      if (response.status !== "cancelled") return response;
      throw unfinished(record, "response_cancelled", "was cancelled");
    }
    throw unfinished(record, "run_in_progress", `is still under way after ${foregroundMs / 1000} s`);
  } finally {
    clearTimeout(timer);
  }
}

function unfinished({ responseId }: ResponseRecord, code: string, what: string): ApiError {
  return new ApiError(
    422,
    `Response ${responseId} ${what}. It is not lost: GET /v1/responses/${responseId}, and send 'background': true ` +
      "for runs that take long.",
    { code, param: "background" },
  );
}
