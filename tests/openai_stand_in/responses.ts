import { dropped, droppedResponse, type Failure } from "./failures.ts";
import { streamEvents } from "./events.ts";
import type { Item } from "./items.ts";
import { checkOrder } from "./order.ts";
import { checkRequest, type ResponseRequest } from "./request.ts";
import { buildResponse, type ModelResponse } from "./response.ts";
import type { ModelScript } from "./script.ts";
import type { Store } from "./store.ts";

/** What a response is made with, besides the request. */
export interface Model {
  script: ModelScript;
  /** Awaited before each event of a stream. */
  beforeEvent: (event: string) => Promise<void>;
}

/**
 * `POST /v1/responses`
 *
 * @param failure How it is to fail, if it is.
 */
export async function createResponse(
  store: Store,
  model: Model,
  body: unknown,
  failure: Exclude<Failure, { status: number }> | undefined,
): Promise<Response> {
  const request = checkRequest(body);
  const context = [...contextOf(store, request), ...store.resolve(request.input)];
  checkOrder(context, store.reasoningOf);
  const functions = request.tools.flatMap((tool) => tool.type === "function" ? [tool.name] : []);
  const answer = await model.script({ request, items: context, functions });
  const ending = failure && "ending" in failure ? failure.ending : "completed";
  const response = buildResponse(request, context, answer, ending, store);
  keep(store, request, context, response);
  const dropAfter = failure && "dropAfterEvents" in failure ? failure.dropAfterEvents : undefined;
  if (!request.stream) return dropAfter === undefined ? Response.json(response) : droppedResponse();
  return new Response(stream(streamEvents(response), model.beforeEvent, dropAfter), {
    headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store" },
  });
}

/** What the model knows already: the conversation of the request, or that of the response before it. */
function contextOf(store: Store, request: ResponseRequest): Item[] {
  if (request.conversation) {
    const { conversation } = request;
    return [...store.conversation(typeof conversation === "string" ? conversation : conversation.id).items];
  }
  if (!request.previous_response_id) return [];
  const { items, response } = store.previousResponse(request.previous_response_id);
  return [...items, ...response.output];
}

/** Remembers a response, so that a later request can build on it. */
function keep(store: Store, request: ResponseRequest, items: Item[], response: ModelResponse): void {
  if (request.store === false) return;
  store.responses.set(response.id, { response, items });
  store.remember(response.output);
  if (response.conversation) {
    store.append(store.conversation(response.conversation.id), [...request.input, ...response.output]);
  }
}

function stream(
  events: readonly string[],
  beforeEvent: (event: string) => Promise<void>,
  dropAfter = Infinity,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let next = 0;
  return new ReadableStream({
    async pull(controller) {
      if (next >= dropAfter) return controller.error(dropped);
      const event = events[next++];
      if (event === undefined) return controller.close();
      await beforeEvent(event);
      controller.enqueue(encoder.encode(event));
    },
  });
}
