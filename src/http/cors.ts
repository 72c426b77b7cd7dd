const EXPOSED_HEADERS = "x-request-id, x-should-retry, retry-after";

/**
 * Answers a browser's preflight. The requested headers are reflected: OpenAI's clients send `x-stainless-*` headers
 * whose list grows with their versions, and credentials never travel in cookies here.
 *
 * @param request The `OPTIONS` request.
 * @returns An empty response with the permissions.
 */
export function preflight(request: Request): Response {
  const headers = new Headers({
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, POST, DELETE, OPTIONS",
    "access-control-allow-headers": request.headers.get("access-control-request-headers") ??
      "authorization, apikey, content-type, idempotency-key",
    "access-control-max-age": "86400",
    "vary": "access-control-request-headers",
  });
  return new Response(null, { status: 204, headers });
}

/** Adds to a response's headers what lets a browser's script read it. */
export function allowBrowsers(headers: Headers): void {
  headers.set("access-control-allow-origin", "*");
  headers.set("access-control-expose-headers", EXPOSED_HEADERS);
}
