import type { Item } from "./items.ts";
import type { ResponseRequest } from "./request.ts";

/** What a scripted model is asked: a request that has been checked, with the whole conversation so far. */
export interface ModelTurn {
  /** The request as it came. */
  request: ResponseRequest;
  /** The conversation: what was stored before, then the request's own input. */
  items: Item[];
  /** The names of the functions that the model may call. */
  functions: string[];
}

/** What a scripted model answers with; the server adds identifiers and statuses. */
export type ScriptedItem =
  | { type: "message"; text: string }
  | { type: "refusal"; refusal: string }
  | { type: "reasoning"; summary: string }
  | { type: "function_call"; name: string; arguments: Record<string, unknown>; callId?: string }
  | { type: "mcp_approval_request"; serverLabel: string; name: string; arguments: Record<string, unknown> };

/** A model: a function from what it is asked to what it answers. */
export type ModelScript = (turn: ModelTurn) => ScriptedItem[] | Promise<ScriptedItem[]>;
