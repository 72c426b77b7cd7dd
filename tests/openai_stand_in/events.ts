// deno-lint-ignore-file camelcase -- the names of OpenAI's API
import type { ModelResponse } from "./response.ts";
import type { StoredItem } from "./store.ts";

/** An event of a stream, before it has its sequence number. */
interface StreamEvent {
  type: string;
  [field: string]: unknown;
}

/** The whole sequence of events in which OpenAI streams a response, as server-sent events. */
export function streamEvents(response: ModelResponse): string[] {
  const started: ModelResponse = { ...response, status: "in_progress", output: [], usage: null };
  const events: StreamEvent[] = [
    { type: "response.created", response: started },
    { type: "response.in_progress", response: started },
    ...response.output.flatMap(itemEvents),
    { type: `response.${response.status}`, response },
  ];
  return events.map((event, sequence_number) =>
    `event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number })}\n\n`
  );
}

function itemEvents(item: StoredItem, output_index: number): StreamEvent[] {
  return [
    { type: "response.output_item.added", output_index, item: begun(item) },
    ...contentEvents(item).map((event) => ({ ...event, item_id: item.id, output_index })),
    { type: "response.output_item.done", output_index, item },
  ];
}

/** The item as it is announced, before it has content. */
function begun(item: StoredItem): StoredItem {
  if (item.type === "message" && item.role === "assistant") {
    return { ...item, status: "in_progress", content: [] };
  }
  if (item.type === "function_call") return { ...item, status: "in_progress", arguments: "" };
  if (item.type === "reasoning") return { ...item, summary: [] };
  return item;
}

function contentEvents(item: StoredItem): StreamEvent[] {
  if (item.type === "function_call") {
    return [
      ...pieces(item.arguments).map((delta) => ({ type: "response.function_call_arguments.delta", delta })),
      { type: "response.function_call_arguments.done", name: item.name, arguments: item.arguments },
    ];
  }
  if (item.type === "reasoning") {
    return item.summary.flatMap((part, summary_index) =>
      summaryEvents(part.text).map((event) => ({ ...event, summary_index }))
    );
  }
  if (item.type === "message" && item.role === "assistant" && typeof item.content !== "string") {
    return item.content.flatMap((part, content_index) =>
      partEvents(part).map((event) => ({ ...event, content_index }))
    );
  }
  return [];
}

function partEvents(part: { type: "output_text"; text: string } | { type: "refusal"; refusal: string }) {
  const [name, text, empty, field] = part.type === "output_text"
    ? ["output_text", part.text, { ...part, text: "" }, "text"]
    : ["refusal", part.refusal, { ...part, refusal: "" }, "refusal"];
  const logprobs = part.type === "output_text" ? { logprobs: [] } : {};
  return [
    { type: "response.content_part.added", part: empty },
    ...pieces(text).map((delta) => ({ type: `response.${name}.delta`, delta, ...logprobs })),
    { type: `response.${name}.done`, [field]: text, ...logprobs },
    { type: "response.content_part.done", part },
  ];
}

function summaryEvents(text: string): StreamEvent[] {
  return [
    { type: "response.reasoning_summary_part.added", part: { type: "summary_text", text: "" } },
    ...pieces(text).map((delta) => ({ type: "response.reasoning_summary_text.delta", delta })),
    { type: "response.reasoning_summary_text.done", text },
    { type: "response.reasoning_summary_part.done", part: { type: "summary_text", text } },
  ];
}

/** A text as the model produces it, a word at a time. */
function pieces(text: string): string[] {
  return text.match(/\s*\S+\s*$|\s*\S+/g) ?? [];
}
