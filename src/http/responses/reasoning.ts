import { itemId } from "../_ids.ts";
import type { WireItem } from "./wire.ts";

/** Where a response's items and events go. */
export interface ResponseWriter {
  readonly responseId: string;
  /** The place that the next item gets. */
  nextIndex(): number;
  /** Puts an item at a place; `null`: it was of an attempt that was cut off, and does not count. */
  put(index: number, item: WireItem | null): void;
  emit(type: string, fields: Record<string, unknown>): void;
}

/** A part of a summary that a model streams. */
export interface SummaryDelta {
  /** Which of the model's items it belongs to. */
  itemKey: string;
  /** Which part of the summary. */
  part: number;
  delta: string;
}

interface StreamedItem {
  key: string;
  index: number;
  parts: string[];
}

/**
 * What a model lets be seen of its reasoning: the summaries that its agent asks for. What it thinks word by word is not
 * told.
 */
export class ReasoningSummaries {
  readonly #writer: ResponseWriter;
  /** What the attempt that is streamed has said; the last one may still be open. */
  #streamed: StreamedItem[] = [];
  #isOpen = false;
  #attempt = "";

  constructor(writer: ResponseWriter) {
    this.#writer = writer;
  }

  /** Adds what an attempt streams. What another attempt said before, which was cut off, counts no more. */
  add(attempt: string, { itemKey, part, delta }: SummaryDelta): void {
    if (this.#attempt !== attempt) this.#cutOff();
    this.#attempt = attempt;
    let item = this.#isOpen ? this.#streamed.at(-1) : undefined;
    if (item?.key !== itemKey) {
      this.close();
      item = this.#open(itemKey);
    }
    // Parts come in order.
    while (item.parts.length <= part) this.#beginPart(item);
    this.#say(item, delta);
  }

  /** The model goes on with something else. */
  close(status: "completed" | "incomplete" = "completed"): void {
    const item = this.#isOpen ? this.#streamed.at(-1) : undefined;
    if (!item) return;
    this.#isOpen = false;
    if (item.parts.length > 0) this.#endPart(item);
    const done = this.#toItem(item, status);
    this.#writer.put(item.index, done);
    this.#writer.emit("response.output_item.done", { output_index: item.index, item: done });
  }

  /**
   * Adds what the whole answer says: each summary in its parts. What of it was streamed is there already; `null`: all
   * that counts was.
   */
  answer(summaries: readonly (readonly string[])[] | null): void {
    if (summaries) this.#add(summaries);
    this.close();
    this.#streamed = [];
    this.#attempt = "";
  }

  #add(summaries: readonly (readonly string[])[]): void {
    const known = this.#streamed.length;
    const last = this.#isOpen ? this.#streamed.at(-1) : undefined;
    const isSame = this.#streamed.every((item, place) =>
      item.parts.every((text, part) => {
        const said = summaries[place]?.[part] ?? "";
        return item === last && part === item.parts.length - 1 ? said.startsWith(text) : said === text;
      })
    );
    if (!isSame) this.#cutOff();
    else if (last) this.#complete(last, summaries[known - 1] ?? []);
    for (const parts of summaries.slice(isSame ? known : 0)) this.#complete(this.#open(""), parts);
  }

  #complete(item: StreamedItem, parts: readonly string[]): void {
    for (const [place, text] of parts.entries()) {
      if (place >= item.parts.length) this.#beginPart(item);
      const rest = text.slice(item.parts[place]?.length);
      if (rest !== "") this.#say(item, rest);
    }
    this.close();
  }

  #cutOff(): void {
    this.close("incomplete");
    for (const { index } of this.#streamed) this.#writer.put(index, null);
    this.#streamed = [];
  }

  #open(key: string): StreamedItem {
    const item = { key, index: this.#writer.nextIndex(), parts: [] };
    this.#streamed.push(item);
    this.#isOpen = true;
    const begun = this.#toItem(item, "in_progress");
    this.#writer.put(item.index, begun);
    this.#writer.emit("response.output_item.added", { output_index: item.index, item: begun });
    return item;
  }

  #beginPart(item: StreamedItem): void {
    if (item.parts.length > 0) this.#endPart(item);
    item.parts.push("");
    this.#writer.emit("response.reasoning_summary_part.added", {
      ...this.#place(item),
      part: summaryText(""),
    });
  }

  #say(item: StreamedItem, delta: string): void {
    item.parts.push((item.parts.pop() ?? "") + delta);
    this.#writer.put(item.index, this.#toItem(item, "in_progress"));
    this.#writer.emit("response.reasoning_summary_text.delta", { ...this.#place(item), delta });
  }

  #endPart(item: StreamedItem): void {
    const text = item.parts.at(-1) ?? "";
    this.#writer.emit("response.reasoning_summary_text.done", { ...this.#place(item), text });
    this.#writer.emit("response.reasoning_summary_part.done", {
      ...this.#place(item),
      part: summaryText(text),
    });
  }

  #place({ index, parts }: StreamedItem) {
    return {
      item_id: itemId("rs", this.#writer.responseId, index),
      output_index: index,
      summary_index: parts.length - 1,
    };
  }

  #toItem({ index, parts }: StreamedItem, status: string): WireItem {
    const id = itemId("rs", this.#writer.responseId, index);
    return { id, type: "reasoning", summary: parts.map(summaryText), status };
  }
}

/** What the model's provider streams of a summary, as OpenAI writes it. */
export function summaryDelta(recorded: unknown): SummaryDelta | null {
  const { type, event } = Object(recorded);
  const { type: kind, item_id: itemKey, summary_index: part, delta } = Object(event);
  if (type !== "model" || kind !== "response.reasoning_summary_text.delta") return null;
  if (typeof delta !== "string" || !Number.isInteger(part) || part < 0 || part > MAX_PARTS) return null;
  return { itemKey: String(itemKey), part, delta };
}

/** More than any summary has. */
const MAX_PARTS = 1000;

function summaryText(text: string) {
  return { type: "summary_text", text };
}
