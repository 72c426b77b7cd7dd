/**
 * How Ollama writes an answer at `/v1/chat/completions`: `ToChatCompletion`, `ToStreamChunks` and `FinishChunk` of
 * its `openai/openai.go`, and `ChatWriter` of its `middleware/openai.go`, as of August 2026.
 *
 * @module
 */

/** What the model answers with. */
export interface Answer {
  thinking?: string;
  /** The text; a stream sends each part by itself. */
  content?: string | string[];
  toolCalls?: ToolCall[];
  /** Default: `stop`. */
  doneReason?: "stop" | "length";
  /** Tokens of the prompt and of the answer. Default: 11 and 7. */
  usage?: [prompt: number, completion: number];
  /** Streams only: the model dies after this many chunks. */
  dieAfter?: number;
  /** Streams only: the format before August 2026, when calls all had index 0 and every chunk had a role. */
  isOldFormat?: boolean;
}

/** A call of a tool as the model makes it. */
export interface ToolCall {
  name: string;
  arguments: Record<string, unknown>;
  /** Default: a new one, like `call_1a2b3c4d`. */
  id?: string;
}

/** What every chunk and every answer carries. */
export interface Envelope {
  id: string;
  model: string;
  created: number;
}

/** The body of an answer that is not streamed. */
export function completion(envelope: Envelope, answer: Answer): Record<string, unknown> {
  const calls = wireCalls(answer);
  const doneReason = answer.doneReason ?? "stop";
  return {
    id: envelope.id,
    object: "chat.completion",
    created: envelope.created,
    model: envelope.model,
    system_fingerprint: "fp_ollama",
    choices: [{
      index: 0,
      message: {
        role: "assistant",
        content: contentParts(answer).join(""),
        ...(answer.thinking ? { reasoning: answer.thinking } : {}),
        ...(calls.length > 0 ? { tool_calls: calls } : {}),
      },
      finish_reason: doneReason === "stop" && calls.length > 0 ? "tool_calls" : doneReason,
    }],
    usage: wireUsage(answer),
  };
}

/** The events of a streamed answer, each with its `data:`. */
export function events(envelope: Envelope, answer: Answer): string[] {
  const deltas = wireDeltas(answer);
  const chunks = deltas.map((delta, index) =>
    chunk(envelope, { ...(index === 0 || answer.isOldFormat ? { role: "assistant" } : {}), ...delta })
  );
  if (answer.dieAfter !== undefined) {
    // The error goes through the writer of chunks, which finds no message in it and writes an empty one.
    return [...chunks.slice(0, answer.dieAfter), chunk({ ...envelope, model: "" }, { content: "" })].map(
      event,
    );
  }
  const reason = (answer.doneReason ?? "stop") === "stop" && answer.toolCalls
    ? "tool_calls"
    : answer.doneReason;
  const finish = chunk(
    envelope,
    answer.isOldFormat ? { role: "assistant", content: "" } : {},
    reason ?? "stop",
  );
  return [
    ...[...chunks, finish, { ...finish, choices: [], usage: wireUsage(answer) }].map(event),
    "data: [DONE]\n\n",
  ];
}

function wireDeltas(answer: Answer): Record<string, unknown>[] {
  const calls = wireCalls(answer);
  const thoughts = answer.thinking?.split(/(?<= )/).map((reasoning) => ({ content: "", reasoning })) ?? [];
  const texts = contentParts(answer).filter((text) => text !== "").map((content) => ({ content }));
  const deltas = [...thoughts, ...texts];
  if (calls.length > 0 && answer.isOldFormat) {
    return [...deltas, ...calls.map((call) => ({ content: "", tool_calls: [{ ...call, index: 0 }] }))];
  }
  if (calls.length > 0) return [...deltas, { content: "", tool_calls: calls }];
  return deltas.length > 0 ? deltas : [{ content: "" }];
}

function contentParts({ content = "" }: Answer): string[] {
  return typeof content === "string" ? [content] : content;
}

function wireCalls({ toolCalls = [] }: Answer) {
  return toolCalls.map((call, index) => ({
    id: call.id ?? `call_${crypto.randomUUID().slice(0, 8)}`,
    index,
    type: "function",
    function: { name: call.name, arguments: JSON.stringify(call.arguments) },
  }));
}

function wireUsage({ usage: [prompt, completion] = [11, 7] }: Answer) {
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}

function chunk(
  { id, model, created }: Envelope,
  delta: Record<string, unknown>,
  finishReason: string | null = null,
) {
  return {
    id,
    object: "chat.completion.chunk",
    created,
    model,
    system_fingerprint: "fp_ollama",
    choices: [{ index: 0, delta, finish_reason: finishReason }],
  };
}

function event(data: unknown): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}
