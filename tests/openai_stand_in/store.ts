// deno-lint-ignore-file camelcase -- the names of OpenAI's API
import { ApiError, invalid } from "./errors.ts";
import { type Item, textOf } from "./items.ts";
import type { ModelResponse } from "./response.ts";

/** An item as the server keeps it and gives it out: always with an identifier. */
export type StoredItem = Item & { id: string };

/** A conversation as the server keeps it. */
export interface Conversation {
  id: string;
  createdAt: number;
  metadata: Record<string, string>;
  items: StoredItem[];
}

/** A response as the server keeps it, with the whole conversation that led to it. */
export interface StoredResponse {
  response: ModelResponse;
  items: Item[];
}

const prefixes: Record<string, string> = {
  message: "msg",
  function_call: "fc",
  function_call_output: "fc",
  reasoning: "rs",
  mcp_call: "mcp",
  mcp_approval_request: "mcpr",
  mcp_approval_response: "mcprsp",
};

/** Everything that the server remembers. */
export class Store {
  readonly conversations = new Map<string, Conversation>();
  readonly responses = new Map<string, StoredResponse>();
  /** By its identifier: every item that was ever stored or produced. */
  readonly items = new Map<string, StoredItem>();
  /** By an item's identifier: the reasoning that the model gave right before it. */
  readonly reasoningOf = new Map<string, string>();
  /** Tells this server's identifiers from those of another one that the same client talks to. */
  readonly #server = crypto.randomUUID().slice(0, 8);
  #count = 0;

  /** A new identifier: `prefix`, then what no other has. */
  newId(prefix: string): string {
    return `${prefix}_${this.#server}${String(++this.#count).padStart(6, "0")}`;
  }

  /** A new identifier for an item of this type. */
  newItemId(type: string): string {
    return this.newId(prefixes[type] ?? "item");
  }

  /** @throws {ApiError} 404 when there is none of this identifier. */
  conversation(id: string): Conversation {
    const conversation = this.conversations.get(id);
    if (!conversation) throw new ApiError(404, `Conversation with id '${id}' not found.`);
    return conversation;
  }

  /** @throws {ApiError} 400 when there is none of this identifier, as when a request refers to it. */
  previousResponse(id: string): StoredResponse {
    const found = this.responses.get(id);
    if (found) return found;
    const message = `Previous response with id '${id}' not found.`;
    throw invalid(message, "previous_response_id", "previous_response_not_found");
  }

  /**
   * Adds items to a conversation, each with an identifier of its own.
   *
   * @throws {ApiError} When the conversation has an item of the same identifier already.
   */
  append(conversation: Conversation, items: readonly Item[]): StoredItem[] {
    const known = new Set(conversation.items.map(({ id }) => id));
    const added = items.map((item): StoredItem => {
      const id = item.id ?? this.newItemId(item.type);
      if (known.has(id)) throw invalid(`Item with id '${id}' already exists in the conversation.`, "items");
      known.add(id);
      return asStored(item, id);
    });
    conversation.items.push(...added);
    this.remember(added);
    return added;
  }

  /** Keeps items so that later requests can refer to them. */
  remember(items: readonly StoredItem[]): void {
    for (const item of items) this.items.set(item.id, item);
  }

  /**
   * The items that a request means: references are resolved, and reasoning must be of this server's own, unless it
   * carries its encrypted content along.
   *
   * @throws {ApiError} 404 when one is not there.
   */
  resolve(items: readonly Item[]): Item[] {
    return items.map((item) => {
      const needed = item.type === "item_reference" || (item.type === "reasoning" && !item.encrypted_content);
      if (!needed) return item;
      const found = this.items.get(item.id ?? "");
      if (!found) throw new ApiError(404, `Item with id '${item.id}' not found.`, null, "input");
      return item.type === "item_reference" ? found : item;
    });
  }
}

/** An item as it is given out again: a message's text has become a part, and it has a status. */
function asStored(item: Item, id: string): StoredItem {
  if (item.type !== "message") return { ...item, id };
  if (typeof item.content !== "string") return { ...item, id, status: "completed" };
  const text = textOf(item);
  return item.role === "assistant"
    ? { ...item, id, status: "completed", content: [{ type: "output_text", text, annotations: [] }] }
    : { ...item, id, status: "completed", content: [{ type: "input_text", text }] };
}
