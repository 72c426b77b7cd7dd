import type { OpenAI } from "../../core/package_types.ts";

/** An event of a response's stream. */
export type FollowEvent = OpenAI.Responses.ResponseStreamEvent;

/** From where to follow, and until when. */
export interface FollowOptions {
  /** The `sequence_number` of the last event that was received. Default: from the beginning. */
  startingAfter?: number;
  /** Ends the following; the run goes on. */
  signal?: AbortSignal;
}

/** After a stream that broke off it is picked up again after this long, in milliseconds: from, to. */
const RETRY_MS = [250, 5000] as const;

const LAST_EVENTS: readonly string[] = ["response.completed", "response.failed", "response.incomplete"];

/**
 * Follows a response to its end, however often the connection breaks: each event comes once.
 *
 * @param client A client of the served agents.
 * @param responseId The response.
 * @param options From where, and until when.
 * @throws {APIError} When the server refuses, for example because there is no such response.
 *
 * @example
 * ```ts
 * import { createAgentsClient, follow } from "@timestep-ai/timestep";
 *
 * async function tell(baseURL: string, apiKey: string) {
 *   const client = await createAgentsClient({ baseURL, apiKey });
 *   const { id } = await client.responses.create({ model: "Assistant", input: "Hello", background: true });
 *   for await (const event of follow(client, id)) {
 *     if (event.type === "response.output_text.delta") console.log(event.delta);
 *   }
 * }
 * ```
 */
export async function* follow(
  client: OpenAI,
  responseId: string,
  { startingAfter, signal }: FollowOptions = {},
): AsyncGenerator<FollowEvent, void, undefined> {
  let after = startingAfter;
  let waitMs: number = RETRY_MS[0];
  while (!signal?.aborted) {
    try {
      const stream = await client.responses.retrieve(responseId, {
        stream: true,
        ...(after === undefined ? {} : { starting_after: after }),
      }, signal ? { signal } : {});
      for await (const event of stream) {
        yield event;
        if ("sequence_number" in event) after = event.sequence_number;
        waitMs = RETRY_MS[0];
        if (LAST_EVENTS.includes(event.type)) return;
      }
      // A stream may also be resumed after its last event: then there is nothing more to come.
      if (await isOver(client, responseId)) return;
    } catch (error) {
      if (signal?.aborted) return;
      if (isRefusal(error)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    waitMs = Math.min(2 * waitMs, RETRY_MS[1]);
  }
}

/** Whether the server has said no, which it would again. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && "status" in error && typeof error.status === "number" &&
    error.status < 500;
}

async function isOver(client: OpenAI, responseId: string): Promise<boolean> {
  const { status } = await client.responses.retrieve(responseId);
  return status !== "queued" && status !== "in_progress";
}
