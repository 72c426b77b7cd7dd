import { z } from "zod";

/** What is read of a chunk of `/v1/chat/completions`; everything else passes through untouched. */
const chunkSchema = z.looseObject({
  choices: z.array(z.looseObject({
    finish_reason: z.string().nullish(),
    delta: z.looseObject({
      tool_calls: z.array(z.looseObject({
        index: z.number().optional(),
        function: z.looseObject({ name: z.string().nullish() }).optional(),
      })).nullish(),
    }).optional(),
  })).optional(),
});

/**
 * Put right, in a stream of server-sent events from Ollama, what the Agents SDK would misread.
 *
 * - Calls of tools made at once: Ollama sends each call whole, but older versions number all of them 0, and the SDK
 *   would glue them into one call of a tool that does not exist.
 * - A model that dies midway: Ollama ends the stream with status 200, no finish reason and no error, and the
 *   SDK would take the half answer for a complete one. The stream then ends with an error event.
 */
export function repairOllamaStream(): TransformStream<string, string> {
  let rest = "";
  let hasFinished = false;
  const callIndex = new ToolCallIndex();

  function repairLine(line: string): string {
    const chunk = parseChunk(line);
    if (chunk === undefined) return line;
    hasFinished ||= chunk.choices?.some((choice) => Boolean(choice.finish_reason)) ?? false;
    const calls = chunk.choices?.flatMap((choice) => choice.delta?.tool_calls ?? []) ?? [];
    if (calls.length === 0) return line;
    for (const call of calls) call.index = callIndex.of(call.index ?? 0, Boolean(call.function?.name));
    return `data: ${JSON.stringify(chunk)}`;
  }

  return new TransformStream({
    transform(text, controller) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) controller.enqueue(`${repairLine(line)}\n`);
    },
    flush(controller) {
      if (rest !== "") controller.enqueue(`${repairLine(rest)}\n\n`);
      if (!hasFinished) controller.enqueue(`data: ${JSON.stringify({ error: ENDED_EARLY })}\n\n`);
    },
  });
}

const ENDED_EARLY = {
  type: "api_error",
  message:
    "Ollama ended its answer before it was complete: the model may have crashed or run out of memory. " +
    "What arrived was not used; see the log of the Ollama server",
};

/** Numbers the tool calls of one answer: a part with a name begins a call, one without goes on with it. */
class ToolCallIndex {
  #next = 0;
  readonly #current = new Map<number, number>();

  of(sentIndex: number, isBeginning: boolean): number {
    const current = this.#current.get(sentIndex);
    if (current !== undefined && !isBeginning) return current;
    this.#current.set(sentIndex, this.#next);
    return this.#next++;
  }
}

function parseChunk(line: string): z.infer<typeof chunkSchema> | undefined {
  if (!line.startsWith("data:")) return undefined;
  try {
    return chunkSchema.safeParse(JSON.parse(line.slice("data:".length))).data;
  } catch {
    // `[DONE]`, or not JSON: for the client to judge.
    return undefined;
  }
}
