import type { z } from "zod";

/** A refusal in the shape in which OpenAI's API refuses. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  /**
   * @param status The HTTP status.
   * @param message What is wrong, in OpenAI's words where they are known.
   * @param code OpenAI's identifier of the condition, or `null`.
   * @param param The part of the request that is wrong, like `input[2].call_id`, or `null`.
   */
  constructor(
    readonly status: number,
    message: string,
    readonly code: string | null = null,
    readonly param: string | null = null,
  ) {
    super(message);
  }

  /** The body and the headers of the answer; a client's own retries are left to the status. */
  toResponse(headers: HeadersInit = {}): Response {
    const { message, param, code } = this;
    return Response.json({ error: { message, type: errorType(this.status), param, code } }, {
      status: this.status,
      headers,
    });
  }
}

function errorType(status: number): string {
  if (status === 429) return "rate_limit_error";
  return status >= 500 ? "server_error" : "invalid_request_error";
}

/** A 400 that names the part of the request that is wrong. */
export function invalid(message: string, param: string | null, code: string | null = null): ApiError {
  return new ApiError(400, message, code, param);
}

/**
 * Checks a part of a request against its schema.
 *
 * @param schema What OpenAI takes.
 * @param value What came.
 * @param at Where it stood in the request, like `input[2]`; empty for the request itself.
 * @throws {ApiError} For the first thing that is wrong.
 */
export function check<T>(schema: z.ZodType<T>, value: unknown, at: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw fromIssue(result.error.issues[0], value, at);
}

function fromIssue(issue: z.core.$ZodIssue | undefined, value: unknown, at: string): ApiError {
  const path = issue?.path ?? [];
  const param = joinPath(at, path);
  if (issue?.code === "unrecognized_keys") {
    const unknown = joinPath(param, issue.keys.slice(0, 1));
    return invalid(`Unknown parameter: '${unknown}'.`, unknown, "unknown_parameter");
  }
  const found = valueAt(value, path);
  if (found === undefined) {
    return invalid(`Missing required parameter: '${param}'.`, param, "missing_required_parameter");
  }
  if (issue?.code === "invalid_type") {
    const message = `Invalid type for '${param}': expected ${issue.expected}, but got ${
      typeName(found)
    } instead.`;
    return invalid(message, param, "invalid_type");
  }
  if (issue?.code === "invalid_value") {
    return invalidValue(found, issue.values.map(String), param);
  }
  return invalid(`Invalid '${param}': ${issue?.message ?? "not what was expected"}.`, param, "invalid_value");
}

/** The refusal of a value that is none of those that there are. */
export function invalidValue(found: unknown, supported: readonly string[], param: string): ApiError {
  const list = supported.map((value) => `'${value}'`).join(", ");
  return invalid(`Invalid value: '${found}'. Supported values are: ${list}.`, param, "invalid_value");
}

function joinPath(at: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (joined, key) =>
      typeof key === "number" ? `${joined}[${key}]` : `${joined}${joined ? "." : ""}${String(key)}`,
    at,
  );
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined,
    value,
  );
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : `a ${typeof value}`;
}
