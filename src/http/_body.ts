import { ApiError } from "./api_error.ts";

/** How large, deep and slow a request's body may be. */
export interface BodyLimits {
  bodyBytes: number;
  bodyMs: number;
}

/** Deeper JSON than any client sends, and less than what overflows a stack. */
const MAX_DEPTH = 128;

/**
 * Reads a request's JSON object.
 *
 * @param whenEmpty What a request without a body means. Default: it is refused.
 * @throws {ApiError} 400 when it is no JSON object, 408 when it does not come in time, 413 when it is too large, 415 when it
 * is compressed.
 */
export async function readJson(
  request: Request,
  limits: BodyLimits,
  whenEmpty?: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const text = await readText(request, limits);
  if (text.trim() === "" && whenEmpty) return whenEmpty;
  if (text.trim() === "") throw new ApiError(400, "The request has no body. Send a JSON object.");
  assertShallow(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ApiError(400, "The request's body is not valid JSON.", { code: "invalid_json", cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ApiError(400, "The request's body has to be a JSON object.", { code: "invalid_json" });
  }
  // An object from JSON has text keys.
  return value as Record<string, unknown>;
}

async function readText(request: Request, { bodyBytes, bodyMs }: BodyLimits): Promise<string> {
  if (Number(request.headers.get("content-length") ?? 0) > bodyBytes) throw tooLarge(bodyBytes);
  const encoding = request.headers.get("content-encoding") ?? "identity";
  if (encoding !== "identity") {
    throw new ApiError(415, `The request's body is encoded as '${encoding}'. Send it as it is.`);
  }
  if (!request.body) return "";
  const reader = request.body.getReader();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new ApiError(408, "The request's body did not come in time.")), bodyMs);
  });
  const chunks: Uint8Array[] = [];
  try {
    for (let size = 0;;) {
      const { done, value } = await Promise.race([reader.read(), late]);
      if (done) return decode(chunks);
      size += value.byteLength;
      if (size > bodyBytes) throw tooLarge(bodyBytes);
      chunks.push(value);
    }
  } catch (error) {
    // What is still to come is of no interest; the connection may be gone already.
    reader.cancel().catch(() => {});
    if (error instanceof ApiError) throw error;
    throw new ApiError(400, "The request's body could not be read to its end.", { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

function decode(chunks: Uint8Array[]): string {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    return chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join("") + decoder.decode();
  } catch (cause) {
    throw new ApiError(400, "The request's body is not valid UTF-8.", { code: "invalid_json", cause });
  }
}

function assertShallow(text: string): void {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (inString) {
      if (character === "\\") index++;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === "[" || character === "{") depth++;
    else if (character === "]" || character === "}") depth--;
    if (depth > MAX_DEPTH) {
      throw new ApiError(400, `The request's JSON is nested deeper than ${MAX_DEPTH} levels.`, {
        code: "invalid_json",
      });
    }
  }
}

function tooLarge(bodyBytes: number): ApiError {
  return new ApiError(413, `The request's body is larger than ${bodyBytes} bytes.`, {
    code: "body_too_large",
  });
}
