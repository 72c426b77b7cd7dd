import { z } from "zod";
import { repairOllamaStream } from "./_ollama_stream.ts";

/** What is needed of an answer of `/v1/chat/completions` that is not streamed. */
const completionSchema = z.looseObject({
  choices: z.array(z.looseObject({ message: z.looseObject({}) })).min(1),
});

/**
 * The body of an answer of Ollama, to go on with; null when something else has answered, a login page for example:
 * the SDK would take it for an answer without words, and ask again until it has run out of turns.
 *
 * @param response What came, with a status that says all is well.
 * @param isStream Whether a stream was asked for.
 * @throws {TypeError} When the connection breaks in an answer that is not streamed.
 */
export async function ollamaAnswer(response: Response, isStream: boolean): Promise<BodyInit | null> {
  if (!isStream) {
    const text = await response.text();
    return isCompletion(text) ? text : null;
  }
  const type = response.headers.get("content-type") ?? "";
  if (response.body === null || !type.includes("text/event-stream")) {
    await response.body?.cancel();
    return null;
  }
  return ReadableStream.from(untilBroken(response.body))
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(repairOllamaStream())
    .pipeThrough(new TextEncoderStream());
}

function isCompletion(text: string): boolean {
  try {
    return completionSchema.safeParse(JSON.parse(text)).success;
  } catch {
    return false;
  }
}

/** A connection that breaks ends the answer; whether it was complete, is seen by what came. */
async function* untilBroken<T>(parts: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* parts;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
}
