import { type RunStreamEvent, StreamedRunResult } from "@openai/agents";
import type { AnyRunResult } from "./types.ts";

/**
 * Waits until a run is over, and hands back its result.
 *
 * A streaming result is drained: its events are read and dropped, and then everything that the run does in the
 * background (guardrails that run in parallel, writes to the session) is waited for. Afterwards `finalOutput`,
 * `interruptions` and `state` are complete. A stream that somebody else is reading is left to that reader; only
 * the end of the run is waited for. A result without streaming is complete already and comes back at once. Who left
 * the loop over a stream before its end has cancelled the run: the result is `cancelled`, and has no output.
 *
 * May be called more than once, and after the stream has been read.
 *
 * @throws The error of the run, as it is: an error of the Agents SDK keeps its class.
 *
 * @example
 * ```ts no-eval
 * import { Agent } from "@openai/agents";
 * import { consumeResult, runAgent } from "@timestep-ai/timestep";
 *
 * const agent = new Agent({ name: "Assistant" });
 * const result = await runAgent(agent, "What's 2+2?", undefined, true, null);
 * for await (const event of result) {
 *   if (event.type === "agent_updated_stream_event") console.log(event.agent.name);
 * }
 * console.log((await consumeResult(result)).finalOutput);
 * ```
 *
 * @param result What a run of an agent gave: with or without streaming.
 * @returns The same object.
 */
export async function consumeResult<TResult extends AnyRunResult>(
  result: TResult,
): Promise<TResult> {
  if (result instanceof StreamedRunResult) {
    // The SDK declares only the iteration of what is a whole web stream.
    const events = result.toStream() as ReadableStream<RunStreamEvent>;
    if (!events.locked) {
      for await (const _event of events) {
        // Read so that the queue of events does not grow; there is nobody to show them to.
      }
    }
    await result.completed;
  }
  return result;
}
