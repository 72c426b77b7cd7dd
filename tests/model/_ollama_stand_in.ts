import { checkOllamaRequest, type OllamaRequest } from "./_ollama_request.ts";
import { type Answer, completion, events } from "./_ollama_wire.ts";

/** An error that Ollama answers with, e.g. 404 for a model that was not pulled. */
export interface Refusal {
  status: number;
  message: string;
}

/** What the model answers the n-th request with, from what it is asked. */
export type OllamaScript = (request: OllamaRequest, turn: number) => Answer | Refusal;

/** A request that came. */
export interface RecordedOllamaRequest {
  path: string;
  headers: Headers;
  body: OllamaRequest;
}

/** A server that stands in for Ollama over HTTP: strict about what it receives, with a scripted model. */
export class OllamaStandIn implements AsyncDisposable {
  /** The requests that were fit for Ollama, oldest first. */
  readonly requests: RecordedOllamaRequest[] = [];
  /** What was wrong with the others. */
  readonly mistakes: string[] = [];
  readonly #script: OllamaScript;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #stop = new AbortController();

  constructor(script: OllamaScript) {
    this.#script = script;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, signal: this.#stop.signal, onListen: () => {} },
      (request) => this.#answer(request),
    );
  }

  /** `127.0.0.1:<port>`, as in `OLLAMA_HOST`. */
  get host(): string {
    return `127.0.0.1:${this.#server.addr.port}`;
  }

  /** Stops the server. */
  async [Symbol.asyncDispose](): Promise<void> {
    // Not shutdown(): Deno 2.1 would wait for ever for a stream whose reader left at "[DONE]".
    this.#stop.abort();
    await this.#server.finished;
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const body: unknown = await request.json();
    if (request.method !== "POST" || pathname !== "/v1/chat/completions") {
      return this.#mistake(`404 page not found: ${request.method} ${pathname}`);
    }
    const checked = checkOllamaRequest(body);
    if (typeof checked === "string") return this.#mistake(checked);
    this.requests.push({ path: pathname, headers: request.headers, body: checked });
    const answer = this.#script(checked, this.requests.length - 1);
    if ("status" in answer) return errorResponse(answer);
    // As in Ollama: an id of 999.
    const envelope = { id: "chatcmpl-417", model: checked.model, created: 1_780_000_000 };
    if (!checked.stream) return Response.json(completion(envelope, answer));
    return new Response(inPieces(events(envelope, answer).join("")), {
      headers: { "content-type": "text/event-stream" },
    });
  }

  #mistake(message: string): Response {
    this.mistakes.push(message);
    return errorResponse({ status: 400, message });
  }
}

/** `writeError` and `NewError` of Ollama. */
function errorResponse({ status, message }: Refusal): Response {
  const type = status === 400 ? "invalid_request_error" : status === 404 ? "not_found_error" : "api_error";
  return Response.json({ error: { message, type, param: null, code: null } }, { status });
}

/** The bytes in pieces that end anywhere, also within a character, as a network delivers them. */
function inPieces(text: string): ReadableStream<Uint8Array<ArrayBuffer>> {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at += 37));
    },
  });
}
