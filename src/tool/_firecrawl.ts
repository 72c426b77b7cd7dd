import { z } from "zod";

/** A search to do. */
export interface FirecrawlSearch {
  query: string;
  /** How many results at most, 1 to 100. */
  limit: number;
  /** Where the person who asks is, e.g. `Oakland, California, United States`. */
  location?: string | undefined;
}

/** How Firecrawl is reached. */
export interface FirecrawlOptions {
  apiKey: string;
  /** Address without the version, e.g. `https://api.firecrawl.dev`. */
  apiUrl: string;
  timeoutMs: number;
  /** Stops the search: the caller gets the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** A page that was found. */
export interface WebPage {
  url: string;
  title: string;
  description: string;
}

/** A search failed; the message says why and what to do, and never has the key. */
export class FirecrawlError extends Error {
  override readonly name = "FirecrawlError";
}

const text = z.string().nullish().transform((value) => value ?? "");
const answerSchema = z.object({
  success: z.literal(true),
  data: z.object({
    web: z.array(z.object({ url: z.string(), title: text, description: text })).nullish(),
  }),
});
const refusalSchema = z.object({ error: z.string() });

/**
 * Search the web with Firecrawl's v2 API.
 *
 * @throws {FirecrawlError} If the search failed, for whatever reason but the signal.
 */
export async function searchFirecrawl(
  search: FirecrawlSearch,
  options: FirecrawlOptions,
): Promise<WebPage[]> {
  try {
    const { response, body } = await post(search, options);
    if (!response.ok) throw new FirecrawlError(refusal(response, body));
    const answer = answerSchema.safeParse(parseJson(body));
    if (!answer.success) throw new FirecrawlError(malformed(body));
    return answer.data.data.web ?? [];
  } catch (error) {
    if (options.signal?.aborted) throw options.signal.reason;
    throw new FirecrawlError(withoutKey(messageOf(error, options), options.apiKey));
  }
}

async function post({ query, limit, location }: FirecrawlSearch, options: FirecrawlOptions) {
  const timeout = AbortSignal.timeout(options.timeoutMs);
  const response = await fetch(`${options.apiUrl}/v2/search`, {
    method: "POST",
    headers: { authorization: `Bearer ${options.apiKey}`, "content-type": "application/json" },
    body: JSON.stringify({ query, limit, timeout: options.timeoutMs, ...(location ? { location } : {}) }),
    signal: options.signal ? AbortSignal.any([timeout, options.signal]) : timeout,
  });
  return { response, body: await response.text() };
}

const ADVICE: Record<number, string> = {
  400: "Word the query differently",
  401: "Somebody has to check FIRECRAWL_API_KEY; do not search again",
  402: "Its credits are used up, and somebody has to buy more; do not search again",
  403: "Somebody has to check FIRECRAWL_API_KEY; do not search again",
  408: "Search again with a simpler query",
  429: "It was asked too often",
};

function refusal(response: Response, body: string): string {
  const { data } = refusalSchema.safeParse(parseJson(body));
  const said = data ? `: ${shorten(data.error)}` : "";
  const wait = response.headers.get("retry-after");
  const advice = ADVICE[response.status] ?? "Search again later";
  return `Firecrawl answered with status ${response.status}${said}. ${advice}${
    response.status === 429 ? `; search again ${wait ? `in ${shorten(wait)} seconds` : "later"}` : ""
  }`;
}

function malformed(body: string): string {
  const { data } = refusalSchema.safeParse(parseJson(body));
  return data
    ? `Firecrawl answered: ${shorten(data.error)}. Search again later`
    : "Firecrawl's answer could not be read. Search again later";
}

function messageOf(error: unknown, { apiUrl, timeoutMs }: FirecrawlOptions): string {
  if (error instanceof FirecrawlError) return error.message;
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return `Firecrawl gave no answer within ${timeoutMs / 1000} seconds. Search again with a simpler query`;
  }
  return `Firecrawl could not be reached at ${withoutCredentials(apiUrl)}. Search again later`;
}

function withoutKey(message: string, apiKey: string): string {
  return message.replaceAll(apiKey, "***");
}

function withoutCredentials(url: string): string {
  return URL.parse(url)?.origin ?? "the address in FIRECRAWL_API_URL";
}

function shorten(message: string): string {
  const line = message.replace(/\s+/g, " ").trim().replace(/\.$/, "");
  return line.length <= 300 ? line : `${line.slice(0, 300)}...`;
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
