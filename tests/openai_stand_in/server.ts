import {
  createConversation,
  createItems,
  deleteConversation,
  deleteItem,
  getConversation,
  getItem,
  listItems,
} from "./conversations.ts";
import { ApiError, check } from "./errors.ts";
import { dropped, type Failure, failureResponse, failureSchema } from "./failures.ts";
import { checkKey } from "./request.ts";
import { createResponse } from "./responses.ts";
import type { ModelScript } from "./script.ts";
import { Store, type StoredItem } from "./store.ts";
import { weatherScript } from "./weather_script.ts";

/** How a stand-in behaves. */
export interface StandInOptions {
  /** The model behind `/v1/responses`. Default: {@linkcode weatherScript}. */
  script?: ModelScript;
  /** The port to listen on. Default: a free one. */
  port?: number;
  /** Milliseconds before each answer. Default: 0. */
  latencyMs?: number;
  /** Milliseconds before each event of a stream. Default: 0. */
  eventLatencyMs?: number;
  /** Awaited before each event of a stream, which is given as it is sent. */
  beforeEvent?: (event: string) => Promise<void>;
}

/** A request that came, and what it was answered with. */
export interface RecordedRequest {
  method: string;
  /** The path with its query, like `/v1/conversations/conv_1/items?order=asc`. */
  path: string;
  /** The parsed JSON; `undefined` when there was none. */
  body: unknown;
  /** Which attempt it is, by the client's own count: 0 for the first. */
  retry: number;
  status: number;
  /** Why it was refused. */
  error?: string;
}

/**
 * A server that stands in for OpenAI's API: Responses and Conversations as the official clients and the Agents SDK
 * use them. It checks what it receives and refuses what OpenAI would refuse; its model is a script.
 */
export class OpenAIStandIn implements AsyncDisposable {
  /** Every request under `/v1`, in the order in which they were answered. */
  readonly requests: RecordedRequest[] = [];
  readonly #store = new Store();
  readonly #failures: Failure[] = [];
  readonly #options: StandInOptions;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(options: StandInOptions = {}) {
    this.#options = options;
    this.#server = Deno.serve({
      hostname: "127.0.0.1",
      port: options.port ?? 0,
      onListen: () => {},
      onError: (error) => {
        if (error !== dropped) console.error(error);
        return new Response(null, { status: 500 });
      },
    }, (request) => this.#handle(request));
  }

  /** What clients take as their base URL (`OPENAI_BASE_URL`). */
  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/v1`;
  }

  /** The bodies of the requests to `/v1/responses` that were answered well. */
  get modelCalls(): Record<string, unknown>[] {
    return this.requests
      .filter(({ method, path, status }) => method === "POST" && path === "/v1/responses" && status === 200)
      .map(({ body }) => body as Record<string, unknown>);
  }

  /** What was refused: a status of 400 or above that nobody had asked for. */
  get refusals(): RecordedRequest[] {
    return this.requests.filter(({ error }) => error !== undefined);
  }

  /** The items of a conversation, oldest first. */
  itemsOf(conversationId: string): readonly StoredItem[] {
    return this.#store.conversation(conversationId).items;
  }

  /** The identifiers of the conversations, oldest first. */
  get conversationIds(): string[] {
    return [...this.#store.conversations.keys()];
  }

  /** Lets the next requests to `/v1/responses` fail, one each. */
  failNext(...failures: Failure[]): void {
    this.#failures.push(...failures);
  }

  /** Resolves when the server has stopped. */
  get finished(): Promise<void> {
    return this.#server.finished;
  }

  /** Stops the server. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #handle(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const body = await parseBody(request);
    if (url.pathname.startsWith("/stand-in/")) return this.#control(request.method, url.pathname, body);
    const { latencyMs = 0 } = this.#options;
    await sleep(latencyMs);
    let error: string | undefined;
    const response = await this.#answer(request, url, body).catch((thrown: unknown) => {
      error = thrown instanceof Error ? thrown.message : String(thrown);
      const known = thrown instanceof ApiError ? thrown : new ApiError(500, `The stand-in failed: ${error}`);
      return known.toResponse();
    });
    this.requests.push({
      method: request.method,
      path: url.pathname + url.search,
      body,
      retry: Number(request.headers.get("x-stainless-retry-count") ?? 0),
      status: response.status,
      ...(error === undefined ? {} : { error }),
    });
    response.headers.set("x-request-id", `req_${this.requests.length}`);
    return response;
  }

  async #answer(request: Request, url: URL, body: unknown): Promise<Response> {
    checkKey(request.headers);
    const [collection, id, items, itemId, ...more] = url.pathname.replace(/^\/v1\//, "").split("/");
    const route = [request.method, collection, id && "*", items, itemId && "*", ...more].filter(Boolean).join(
      " ",
    );
    const store = this.#store;
    switch (route) {
      case "POST responses":
        return await this.#respond(body);
      case "POST conversations":
        return createConversation(store, body);
      case "GET conversations *":
        return getConversation(store, id ?? "");
      case "DELETE conversations *":
        return deleteConversation(store, id ?? "");
      case "POST conversations * items":
        return createItems(store, id ?? "", body);
      case "GET conversations * items":
        return listItems(store, id ?? "", url.searchParams);
      case "GET conversations * items *":
        return getItem(store, id ?? "", itemId ?? "");
      case "DELETE conversations * items *":
        return deleteItem(store, id ?? "", itemId ?? "");
      default:
        throw new ApiError(404, `Invalid URL (${request.method} ${url.pathname})`, "unknown_url");
    }
  }

  async #respond(body: unknown): Promise<Response> {
    const failure = this.#failures.shift();
    if (failure && "status" in failure) return failureResponse(failure);
    const { script = weatherScript, eventLatencyMs = 0 } = this.#options;
    const beforeEvent = this.#options.beforeEvent ?? (() => sleep(eventLatencyMs));
    return await createResponse(this.#store, { script, beforeEvent }, body, failure);
  }

  /** What tests in another process ask for: the requests so far, and failures to come. */
  #control(method: string, path: string, body: unknown): Response {
    if (method === "GET" && path === "/stand-in/requests") return Response.json(this.requests);
    if (method === "POST" && path === "/stand-in/failures") {
      this.failNext(check(failureSchema, body, ""));
      return new Response(null, { status: 204 });
    }
    return new ApiError(404, `The stand-in has no ${method} ${path}.`).toResponse();
  }
}

async function parseBody(request: Request): Promise<unknown> {
  const text = await request.text();
  if (!text) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

async function sleep(ms: number): Promise<void> {
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
}
