import { z } from "zod";

/** What `POST /v2/search` takes: `searchRequestSchema` of firecrawl/firecrawl, which refuses unknown keys. */
const requestSchema = z.strictObject({
  query: z.string().min(1).max(500),
  limit: z.number().int().positive().max(100),
  location: z.string().optional(),
  timeout: z.number().int().positive(),
});

/** A search that came. */
export type FirecrawlRequest = z.infer<typeof requestSchema>;

/** A server that stands in for Firecrawl's search; strict about what it receives. */
export class FirecrawlStandIn implements AsyncDisposable {
  /** The key that it accepts. */
  static readonly KEY = "fc-0123456789abcdef";
  /** The searches that were fit for Firecrawl, oldest first. */
  readonly requests: FirecrawlRequest[] = [];
  readonly #answer: (request: FirecrawlRequest) => Response | Promise<Response>;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(answer: (request: FirecrawlRequest) => Response | Promise<Response>) {
    this.#answer = answer;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#respond(request),
    );
  }

  /** As in `FIRECRAWL_API_URL`. */
  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** Stops the server. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #respond(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const body: unknown = await request.json();
    if (request.method !== "POST" || pathname !== "/v2/search") {
      return refused(404, `Cannot POST ${pathname}`);
    }
    if (request.headers.get("authorization") !== `Bearer ${FirecrawlStandIn.KEY}`) {
      return refused(401, `Unauthorized: Invalid token ${request.headers.get("authorization")}`);
    }
    const parsed = requestSchema.safeParse(body);
    if (!parsed.success) return refused(400, `Bad Request: ${parsed.error.message}`);
    this.requests.push(parsed.data);
    return await this.#answer(parsed.data);
  }
}

/** How Firecrawl refuses. */
export function refused(status: number, error: string, headers: Record<string, string> = {}): Response {
  return Response.json({ success: false, error }, { status, headers });
}

/** How Firecrawl answers. */
export function found(web: Record<string, unknown>[]): Response {
  return Response.json({ success: true, data: { web }, creditsUsed: 2, id: "0198" });
}
