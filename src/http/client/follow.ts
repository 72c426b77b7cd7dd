import type { OpenAI } from "../../core/package_types.ts";

/** An event of a response's stream. */
export type FollowEvent = OpenAI.Responses.ResponseStreamEvent;

/** From where to follow, and until when. */
export interface FollowOptions {
  /** The `sequence_number` of the last event that was received. Default: from the beginning. */
  startingAfter?: number;
  /** Ends the following, quietly; the run goes on. */
  signal?: AbortSignal;
  /** How many attempts in a row may fail without a single new event. @default {10} */
  attempts?: number;
}

/** After a stream that broke off it is picked up again after this long, in milliseconds: from, to. */
const RETRY_MS = [250, 5000] as const;

const LAST_EVENTS: readonly string[] = ["response.completed", "response.failed", "response.incomplete"];

/**
 * Follows a response to its end, however often the connection breaks: each event comes once. A response that is long
 * under way is waited for as long as it takes, as long as the server answers.
 *
 * @param client A client of the served agents.
 * @param responseId The response.
 * @param options From where, and until when.
 * @throws {APIError} When the server refuses, for example because there is no such response.
 * @throws {Error} What broke the last attempt, when so many have failed in a row.
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
  { startingAfter, signal, attempts = 10 }: FollowOptions = {},
): AsyncGenerator<FollowEvent, void, undefined> {
  if (!(attempts >= 1)) {
    throw new RangeError(`Cannot follow ${responseId}: attempts is ${attempts}, but has to be 1 or more.`);
  }
  const options = signal ? { signal } : {};
  let after = startingAfter;
  let waitMs: number = RETRY_MS[0];
  for (let failures = 0; !signal?.aborted;) {
    let isOpen = false;
    try {
      const stream = await client.responses.retrieve(responseId, {
        stream: true,
        ...(after === undefined ? {} : { starting_after: after }),
      }, options);
      isOpen = true;
      for await (const event of stream) {
        if ("sequence_number" in event) after = event.sequence_number;
        failures = 0;
        waitMs = RETRY_MS[0];
        yield event;
        if (LAST_EVENTS.includes(event.type)) return;
      }
      // A stream may also be resumed after its last event: then there is nothing more to come.
      if (isOver(await client.responses.retrieve(responseId, {}, options))) return;
      failures++;
    } catch (error) {
      if (signal?.aborted) return;
      if (isRefusal(error)) throw error;
      // A response may be silent for longer than a stream lasts; where there must be events, it is a failure.
      const isSilent = isOpen && after !== undefined && await isUnderWay(client, responseId, options);
      failures = isSilent ? 0 : failures + 1;
      if (failures >= attempts) throw error;
    }
    if (failures >= attempts) {
      throw new Error(`Cannot follow ${responseId}: ${attempts} streams ended with no event.`);
    }
    await sleep(waitMs, signal);
    waitMs = Math.min(2 * waitMs, RETRY_MS[1]);
  }
}

/** Whether the server has said no, which it would again. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && "status" in error && typeof error.status === "number" &&
    error.status < 500 && error.status !== 429;
}

function isOver({ status }: OpenAI.Responses.Response): boolean {
  return status !== "queued" && status !== "in_progress";
}

async function isUnderWay(client: OpenAI, responseId: string, options: { signal?: AbortSignal }) {
  try {
    return !isOver(await client.responses.retrieve(responseId, {}, options));
  } catch {
    return false;
  }
}

function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done, { once: true });
    if (signal?.aborted) done();
  });
}
