/**
 * A server that stands in for OpenAI's API in tests: Responses and Conversations over HTTP, strict about what it
 * receives, with a scripted model.
 *
 * ```ts
 * await using openai = new OpenAIStandIn({ script: () => [{ type: "message", text: "Hello!" }] });
 * const client = new OpenAI({ apiKey: "test", baseURL: openai.url });
 * ```
 *
 * @module
 */
export { OpenAIStandIn } from "./server.ts";
export { weatherScript } from "./weather_script.ts";

export type { Failure } from "./failures.ts";
export type { Item, MessageItem } from "./items.ts";
export type { ModelScript, ModelTurn, ScriptedItem } from "./script.ts";
export type { RecordedRequest, StandInOptions } from "./server.ts";
export type { StoredItem } from "./store.ts";
