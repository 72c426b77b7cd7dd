/** What an {@linkcode ApiError} can say beside its status and message. */
export interface ApiErrorOptions {
  /** OpenAI's class of the error. Derived from the status when left out. */
  type?: string;
  /** A stable identifier of the condition. */
  code?: string;
  /** The request's field that is at fault. */
  param?: string;
  /** After how many seconds the same request may succeed. Sent as `retry-after`. */
  retryAfterSeconds?: number;
  /** The methods that would be taken. Sent as `allow`. */
  allow?: readonly string[];
  /** What went wrong underneath. Logged, never sent. */
  cause?: unknown;
}

/** A request that is answered with an error in OpenAI's shape. Thrown by handlers, turned into a response in one place. */
export class ApiError extends Error {
  /** The class's own name. */
  override readonly name = "ApiError";
  /** The HTTP status. */
  readonly status: number;
  /** OpenAI's class of the error. */
  readonly type: string;
  /** A stable identifier of the condition, or `null`. */
  readonly code: string | null;
  /** The request's field that is at fault, or `null`. */
  readonly param: string | null;
  /** After how many seconds the same request may succeed, or `null`. */
  readonly retryAfterSeconds: number | null;
  /** The methods that would be taken; empty where it is not about the method. */
  readonly allow: readonly string[];

  /** Makes an error to be answered with `status`; `message` is read by the caller. */
  constructor(status: number, message: string, options: ApiErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.status = status;
    this.type = options.type ?? typeOf(status);
    this.code = options.code ?? null;
    this.param = options.param ?? null;
    this.retryAfterSeconds = options.retryAfterSeconds ?? null;
    this.allow = options.allow ?? [];
  }
}

/** The error for something that is not there, or is somebody else's: the two are not told apart. */
export function notFound(what: string, id: string): ApiError {
  return new ApiError(404, `No ${what} found with id '${id}'.`, { code: "not_found" });
}

/** The error for a path at which nothing is served. */
export function unknownUrl({ method, url }: Request): ApiError {
  const message = `Nothing is served at ${method} ${new URL(url).pathname}. What is: /v1/responses, ` +
    "/v1/conversations and /v1/models; /v1/openapi.json describes them.";
  return new ApiError(404, message, { code: "unknown_url" });
}

/** The error for a method that a path does not take. */
export function methodNotAllowed({ method, url }: Request, allow: readonly string[]): ApiError {
  const message = `${new URL(url).pathname} takes ${allow.join(", ")}, not ${method}.`;
  return new ApiError(405, message, { code: "method_not_allowed", allow });
}

/** The error for a field that the caller got wrong. */
export function invalid(param: string, message: string, code = "invalid_value"): ApiError {
  return new ApiError(400, message, { code, param });
}

/**
 * Turns whatever a handler threw into a response in OpenAI's shape. What is not an {@linkcode ApiError} is a fault
 * of the server: it is logged with the request's id and answered without its details.
 *
 * @param error What was thrown.
 * @param requestId The id that the response carries as `x-request-id`.
 * @returns The response.
 */
export function errorResponse(error: unknown, requestId: string): Response {
  const known = error instanceof ApiError
    ? error
    : new ApiError(500, `The server failed. Quote the request id '${requestId}' when reporting it.`, {
      cause: error,
    });
  if (known.status >= 500) console.error(`Request ${requestId} failed:`, known.cause ?? known);
  const headers = new Headers();
  if (known.retryAfterSeconds !== null) {
    headers.set("retry-after", String(Math.ceil(known.retryAfterSeconds)));
  }
  if (known.allow.length > 0) headers.set("allow", known.allow.join(", "));
  // Clients of OpenAI repeat 408, 409 and 429 and all of 5xx by themselves. A caller's mistake stays one.
  if (known.status < 500 && known.status !== 429) headers.set("x-should-retry", "false");
  const { message, type, param, code } = known;
  return Response.json({ error: { message, type, param, code } }, { status: known.status, headers });
}

function typeOf(status: number): string {
  if (status === 401) return "authentication_error";
  if (status === 403) return "permission_error";
  if (status === 429) return "rate_limit_error";
  return status >= 500 ? "server_error" : "invalid_request_error";
}
