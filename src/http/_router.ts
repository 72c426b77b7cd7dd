import type { Call, ServerContext } from "./_context.ts";
import { methodNotAllowed, unknownUrl } from "./api_error.ts";
import { lazily } from "./_lazily.ts";
import { listModels, retrieveModel } from "./models.ts";
import type { Principal } from "./principal.ts";

type Handler = (call: Call) => Promise<Response>;
type Methods = Readonly<Partial<Record<string, Handler>>>;

// Loaded with the first request to them: models are listed without.
const responses = lazily(() => import("./responses/routes.ts"));
const conversations = lazily(() => import("./conversations/routes.ts"));

/** What is served, by path; `:id` stands for an id. */
export const ROUTES: Readonly<Record<string, Methods>> = {
  "models": { GET: listModels },
  "models/:id": { GET: retrieveModel },
  "openapi.json": { GET: async () => Response.json((await import("./openapi.ts")).openApi) },
  "responses": { POST: async (call) => (await responses()).createResponse(call) },
  "responses/:id": {
    GET: async (call) => (await responses()).getResponse(call),
    DELETE: async (call) => (await responses()).deleteResponse(call),
  },
  "responses/:id/cancel": { POST: async (call) => (await responses()).cancelResponse(call) },
  "responses/:id/input_items": { GET: async (call) => (await responses()).listInputItems(call) },
  "conversations": { POST: async (call) => (await conversations()).createConversation(call) },
  "conversations/:id": {
    GET: async (call) => (await conversations()).getConversation(call),
    POST: async (call) => (await conversations()).updateConversation(call),
    DELETE: async (call) => (await conversations()).deleteConversation(call),
  },
  "conversations/:id/items": {
    GET: async (call) => (await conversations()).listItems(call),
    POST: async (call) => (await conversations()).createItems(call),
  },
  "conversations/:id/items/:id": {
    GET: async (call) => (await conversations()).getItem(call),
    DELETE: async (call) => (await conversations()).deleteItem(call),
  },
};

/** What OpenAI serves where an id would be, and we do not. */
const NO_IDS = ["responses/compact", "responses/input_tokens"];

/** A route that was found. */
export interface Route {
  handle(context: ServerContext, principal: Principal): Promise<Response>;
}

/**
 * Finds what a request is for. What is before the last `/v1/` of the path is of no matter: gateways leave different
 * parts of it.
 *
 * @throws {ApiError} 404 when nothing is served there; 405 when not by this method.
 */
export function route(request: Request): Route {
  const url = new URL(request.url);
  const start = url.pathname.lastIndexOf("/v1/");
  const segments = start < 0 ? [] : url.pathname.slice(start + 4).replace(/\/$/, "").split("/");
  const [collection = "", id, ...rest] = segments;
  const pattern = [
    collection,
    ...(id === undefined ? [] : [":id"]),
    ...rest.map((part, index) => index === 1 ? ":id" : part),
  ]
    .join("/");
  const isServed = Object.hasOwn(ROUTES, pattern) && !NO_IDS.includes(segments.join("/"));
  const methods = isServed ? ROUTES[pattern] : undefined;
  if (!methods) throw unknownUrl(request);
  const handler = Object.hasOwn(methods, request.method) ? methods[request.method] : undefined;
  if (!handler) throw methodNotAllowed(request, Object.keys(methods));
  const ids = [id, rest[1]].flatMap((part) => part === undefined ? [] : [decode(part)]);
  return {
    handle: (context, principal) => handler({ context, request, principal, query: url.searchParams, ids }),
  };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
