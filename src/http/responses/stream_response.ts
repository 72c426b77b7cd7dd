import type { Call } from "../_context.ts";
import { beginReading, isOver, project, readerOf } from "./read_response.ts";
import type { ResponseRecord } from "./response_record.ts";
import type { WireEvent } from "./wire.ts";

/** Gateways close connections on which nothing comes. */
const HEARTBEAT_MS = 15_000;

/**
 * Answers with the events of a response, as they come. The stream ends with the response; if it has to end before,
 * it breaks off, as a clean end would be taken for the response's.
 *
 * @param after The sequence number of the last event that the client has; -1 for none.
 */
export async function streamResponse(call: Call, record: ResponseRecord, after: number): Promise<Response> {
  const { context } = call;
  const stop = new AbortController();
  const reading = await beginReading(await readerOf(call), record, stop.signal);
  const encoder = new TextEncoder();
  let heartbeat: ReturnType<typeof setInterval> | undefined;
  let deadline: ReturnType<typeof setTimeout> | undefined;
  let goOn = () => {};
  const clear = () => {
    clearInterval(heartbeat);
    clearTimeout(deadline);
    stop.abort();
    goOn();
  };
  /** Waits while the reader is behind: what nobody takes is left in the database. */
  const room = (controller: ReadableStreamDefaultController<Uint8Array>) =>
    hasRoom(controller) || stop.signal.aborted ? undefined : new Promise<void>((resolve) => goOn = resolve);
  const pump = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
    const send = (events: readonly WireEvent[]) => {
      const text = events.filter((event) => event.sequence_number > after).map(frame).join("");
      if (text !== "" && !stop.signal.aborted) controller.enqueue(encoder.encode(text));
    };
    try {
      send(reading.projection.begin());
      await room(controller);
      for await (const news of reading.news) {
        send(await project(reading, news));
        if (isOver(record, news)) {
          clear();
          return controller.close();
        }
        await room(controller);
      }
    } catch (error) {
      clear();
      controller.error(error);
    }
  };
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      heartbeat = setInterval(() => {
        if (hasRoom(controller)) controller.enqueue(encoder.encode(": keep-alive\n\n"));
      }, HEARTBEAT_MS);
      deadline = setTimeout(() => {
        clear();
        controller.error(new Error("The stream lasted too long. Resume it with starting_after."));
      }, context.limits.streamMs);
      pump(controller);
    },
    pull: () => goOn(),
    // The reader is gone; the run goes on.
    cancel: clear,
  });
  return new Response(stream, {
    headers: {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no",
    },
  });
}

function hasRoom({ desiredSize }: ReadableStreamDefaultController<Uint8Array>): boolean {
  return (desiredSize ?? 1) > 0;
}

function frame(event: WireEvent): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}
