// deno-lint-ignore-file camelcase -- the names of OpenAI's API
import { itemId } from "../_ids.ts";
import type { Entry, EventsEntry } from "./entry.ts";
import { placeOf } from "./entry.ts";
import { CalledTools, type EndedCall } from "./called_tools.ts";
import { type KnownCall, type ModelOutput, parseModelOutput, parseRefusal, toolResult } from "./recorded.ts";
import { ReasoningSummaries, summaryDelta } from "./reasoning.ts";
import type { SegmentEnd } from "./segment_end.ts";
import { addUsage, finished, UNUSED, type UsageSum, withUsage } from "./response_object.ts";
import { SERVER_LABEL, textPart, type WireEvent, type WireItem, type WireResponse } from "./wire.ts";

/** A message that is being streamed. */
interface OpenMessage {
  item: WireItem;
  index: number;
  text: string;
  step: string;
  attempt: number;
  /** How much of the text this attempt has said: less than all of it while it repeats what the one before had said. */
  said: number;
}

/**
 * What a response says, told from the stream of its run: the same entries give the same events with the same
 * sequence numbers, in any process, however often. So a reader can go on anywhere, and nothing of it is stored.
 */
export class ResponseProjection {
  readonly #response: WireResponse;
  readonly #segment: number;
  readonly #calls: CalledTools;
  readonly #reasoning: ReasoningSummaries;
  readonly #output: WireItem[] = [];
  #usage: UsageSum = UNUSED;
  #events: WireEvent[] = [];
  #sequence = 0;
  #message: OpenMessage | null = null;
  /** Whether an attempt has thought again, before it said again what the one before had said. */
  #thinksAgain = false;
  /** Places of what was said in attempts that a crash cut off, and that the next attempt did not say again. */
  readonly #cutOff = new Set<number>();
  #ended = false;

  /**
   * @param response The response before anything has happened.
   * @param segment Which part of the run it is.
   * @param calls What was called, but not yet done, when it began.
   */
  constructor(response: WireResponse, segment: number, calls: readonly KnownCall[]) {
    this.#response = response;
    this.#segment = segment;
    this.#calls = new CalledTools(calls);
    this.#reasoning = new ReasoningSummaries({
      responseId: response.id,
      nextIndex: () => this.#output.length,
      put: (index, item) => {
        if (item) this.#output[index] = item;
        else this.#cutOff.add(index);
      },
      emit: (type, fields) => this.#emit(type, fields),
    });
  }

  /** The response as far as it was told. */
  get response(): WireResponse {
    return withUsage({ ...this.#response, output: [...this.#output] }, this.#usage);
  }

  /** The events that every response begins with. */
  begin(): WireEvent[] {
    const response = { ...this.#response, status: "in_progress" as const };
    this.#emit("response.created", { response });
    this.#emit("response.in_progress", { response });
    return this.#take();
  }

  /** What follows from one more entry. */
  add(entry: Entry): WireEvent[] {
    const place = placeOf(entry.step);
    if (place?.segment !== this.#segment || this.#ended) return [];
    if (entry.kind === "events") {
      if (place.rest === "") this.#addEvents(entry);
    } else if (entry.kind === "model") {
      const answer = parseModelOutput(entry.output);
      this.#usage = { ...addUsage(this.#usage, answer.usage) };
      if (place.rest === "") this.#addAnswer(answer);
      else this.#calls.say(place.rest.slice(0, place.rest.indexOf("/")), answer.text);
    } else if (entry.kind === "guardrail") {
      const message = parseRefusal(entry.output);
      if (message !== null) this.#calls.refuse(place.rest, message);
    } else if (!place.rest.includes("/")) {
      // Those of an agent that is called as a tool are its own business.
      const callId = place.rest.replace(/#\d+$/, "");
      this.#calls.finish(callId, entry.name, toolResult(entry.status, entry.output));
    }
    return this.#take();
  }

  /** What follows from the end of the segment. */
  end(end: SegmentEnd): WireEvent[] {
    if (this.#ended) return [];
    this.#ended = true;
    this.#reasoning.close("incomplete");
    if (this.#message) this.#closeMessage("incomplete");
    if (end.status === "completed") this.#addFinalOutput(end.finalText);
    else this.#flushCalls(false);
    for (const { item } of this.#calls.inOrder(end.waitsFor)) {
      if (item.type === "function_call") this.#addFunctionCall(item);
      else this.#addItem(item);
    }
    const output = end.status === "blocked"
      ? []
      : this.#output.filter((_item, place) => !this.#cutOff.has(place));
    const response = withUsage(finished({ ...this.#response, output }, end), this.#usage);
    Object.assign(this.#response, response);
    this.#output.splice(0, Infinity, ...output);
    const type = response.status === "cancelled" ? "incomplete" : response.status;
    this.#emit(`response.${type}`, { response });
    return this.#take();
  }

  #addEvents({ step, attempt, events }: EventsEntry): void {
    for (const event of events) {
      const { type, delta } = Object(event);
      if (this.#message && this.#message.step !== step) this.#cutMessageOff();
      if (this.#message && this.#message.attempt !== attempt) {
        Object.assign(this.#message, { attempt, said: 0 });
      }
      const summary = summaryDelta(event);
      if (summary && this.#message && this.#message.said < this.#message.text.length) {
        this.#thinksAgain = true;
      } else if (summary) {
        this.#flushCalls();
        this.#reasoning.add(`${step}#${attempt}`, summary);
      }
      if (type !== "output_text_delta" || typeof delta !== "string" || delta === "") continue;
      this.#flushCalls();
      this.#reasoning.close();
      this.#message ??= this.#openMessage(step, attempt);
      this.#say(this.#message, delta);
    }
  }

  /** What an attempt says again is not told again; from where it says something else, it is another message. */
  #say(message: OpenMessage, delta: string): void {
    const known = message.text.slice(message.said);
    if (known.startsWith(delta)) {
      message.said += delta.length;
    } else if (delta.startsWith(known)) {
      this.#delta(message, delta.slice(known.length));
    } else {
      const { step, attempt, text, said } = message;
      this.#cutMessageOff();
      this.#message = this.#openMessage(step, attempt);
      this.#delta(this.#message, text.slice(0, said) + delta);
    }
  }

  #openMessage(step: string, attempt: number): OpenMessage {
    const index = this.#output.length;
    const id = itemId("msg", this.#response.id, index);
    const item = { id, type: "message", role: "assistant", status: "in_progress", content: [] };
    this.#output.push(item);
    this.#emit("response.output_item.added", { output_index: index, item });
    this.#emit("response.content_part.added", {
      item_id: id,
      output_index: index,
      content_index: 0,
      part: textPart(""),
    });
    return { item, index, text: "", step, attempt, said: 0 };
  }

  #delta(message: OpenMessage, delta: string): void {
    message.text += delta;
    message.said = message.text.length;
    this.#emit("response.output_text.delta", { ...this.#placeOf(message), delta, logprobs: [] });
    this.#output[message.index] = { ...message.item, content: [textPart(message.text)] };
  }

  #closeMessage(status: "completed" | "incomplete", annotations: readonly unknown[] = []): void {
    const message = this.#message;
    if (!message) return;
    this.#message = null;
    const part = textPart(message.text, annotations);
    const item = { ...message.item, status, content: [part] };
    this.#output[message.index] = item;
    const place = this.#placeOf(message);
    for (const [annotation_index, annotation] of annotations.entries()) {
      this.#emit("response.output_text.annotation.added", { ...place, annotation_index, annotation });
    }
    this.#emit("response.output_text.done", { ...place, text: message.text, logprobs: [] });
    this.#emit("response.content_part.done", { ...place, part });
    this.#emit("response.output_item.done", { output_index: message.index, item });
  }

  /** A client that puts together what the response says should find the answer once. */
  #cutMessageOff(): void {
    this.#thinksAgain = false;
    if (this.#message) this.#cutOff.add(this.#message.index);
    this.#closeMessage("incomplete");
  }

  #placeOf({ item, index }: OpenMessage) {
    return { item_id: item.id, output_index: index, content_index: 0 };
  }

  #addAnswer({ text, annotations, reasoning, itemsBefore, items, calls }: ModelOutput): void {
    this.#flushCalls();
    const open = this.#message;
    const isSame = open && text.startsWith(open.text);
    this.#reasoning.answer(isSame && this.#thinksAgain ? null : reasoning);
    this.#thinksAgain = false;
    if (isSame) {
      // What was streamed is what was answered, perhaps not to the end.
      if (text.length > open.text.length) this.#delta(open, text.slice(open.text.length));
      this.#closeMessage("completed", annotations);
    } else {
      this.#cutMessageOff();
      this.#addHostedCalls(itemsBefore);
      if (text !== "") {
        this.#message = this.#openMessage("", 0);
        this.#delta(this.#message, text);
        this.#closeMessage("completed", annotations);
      }
    }
    // What was streamed is there already: the provider's calls become known with the whole answer only.
    if (isSame) this.#addHostedCalls(itemsBefore);
    this.#addHostedCalls(items);
    this.#calls.call(calls);
  }

  #addHostedCalls(calls: ModelOutput["items"]): void {
    for (const call of calls) {
      this.#addItem({ ...call, id: itemId("item", this.#response.id, this.#output.length) });
    }
  }

  #flushCalls(goesOn = true): void {
    for (const ended of this.#calls.take(goesOn)) this.#addCall(ended);
  }

  #addCall({ call, result }: EndedCall): void {
    this.#addItem({
      id: itemId("mcp", this.#response.id, this.#output.length),
      type: "mcp_call",
      server_label: SERVER_LABEL,
      name: call.name,
      arguments: call.arguments,
      approval_request_id: call.approvalId,
      status: result.error === null ? "completed" : "failed",
      output: result.output,
      error: result.error === null ? null : callError(result.error),
    });
  }

  /** An agent may answer with something else than a message: the output of a tool that it stops on. */
  #addFinalOutput(text: string | null): void {
    this.#flushCalls();
    const last = this.#output.findLast(({ type, server_label: label }, place) =>
      (type === "message" || label === SERVER_LABEL) && !this.#cutOff.has(place)
    );
    if (!text || last?.type === "message") return;
    this.#message = this.#openMessage("", 0);
    this.#delta(this.#message, text);
    this.#closeMessage("completed");
  }

  #addFunctionCall(item: WireItem): void {
    const output_index = this.#output.push(item) - 1;
    const place = { item_id: item.id, output_index };
    const { arguments: given, name } = item;
    const begun = { ...item, arguments: "", status: "in_progress" };
    this.#emit("response.output_item.added", { output_index, item: begun });
    this.#emit("response.function_call_arguments.delta", { ...place, delta: given });
    this.#emit("response.function_call_arguments.done", { ...place, name, arguments: given });
    this.#emit("response.output_item.done", { output_index, item });
  }

  #addItem(item: WireItem): void {
    const output_index = this.#output.push(item) - 1;
    this.#emit("response.output_item.added", { output_index, item });
    this.#emit("response.output_item.done", { output_index, item });
  }

  #emit(type: string, fields: Record<string, unknown>): void {
    this.#events.push({ type, ...fields, sequence_number: this.#sequence++ });
  }

  #take(): WireEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }
}

/** As OpenAI writes it, and with what clients have looked for before it did. */
function callError(message: string) {
  const content = [{ type: "text", text: message }];
  return { type: "mcp_tool_execution_error", content, code: "tool_error", message };
}
