import { createHash } from "node:crypto";
import { type Model, type ModelRequest, type ModelResponse, RequestUsage, Usage } from "@openai/agents";
import type { RecordedStep } from "./journal_row.ts";
import { runInStep, type Scope } from "./scope.ts";
import { functionsNotOffered } from "./tool_offer.ts";

// The SDK's event type, which it does not export by name.
type StreamEvent = ReturnType<Model["getStreamedResponse"]> extends AsyncIterable<infer TEvent> ? TEvent
  : never;
type ResponseDone = Extract<StreamEvent, { type: "response_done" }>;

type RawUsage = Record<string, unknown>;

type UsageData = ConstructorParameters<typeof Usage>[0];

/** What is recorded of a model's answer. The request is not: it follows from the run's input and earlier steps. */
interface RecordedResponse {
  output: ModelResponse["output"];
  usage: UsageData;
  responseId?: string | undefined;
  requestId?: string | undefined;
  /** What the provider itself said of the usage, if the model was asked to keep it. */
  rawUsage?: RawUsage | undefined;
  /** How many attempts the SDK had made before this answer: it counts them as requests. */
  failedAttempts?: number;
  /** The functions that it called and was not offered. */
  invented?: string[];
}

/** Items of a response that are carried out by this process. What follows from them must not be lost. */
const INERT_ITEMS: ReadonlySet<string | undefined> = new Set([undefined, "message", "reasoning"]);

/** The key of the next model call in a scope. */
function modelStepKey(scope: Scope): string {
  return `model:${scope.prefix}${scope.turn + 1}`;
}

/**
 * The names of the functions that the model called in the next response, if that is recorded already. While a pause is
 * opened, of those that it was paused with: the next response may be recorded then, too.
 */
export function recordedFunctionCalls(scope: Scope): ReadonlySet<string> {
  const { pausedCalls } = scope.execution;
  const recorded = pausedCalls.size > 0 ? undefined : scope.execution.peek(modelStepKey(scope));
  if (!recorded) return pausedCalls;
  const { output } = recorded.output as RecordedResponse; // Written by ModelStep.
  return new Set(output.flatMap((item) => item.type === "function_call" ? [item.name] : []));
}

/** A model call at its place in a scope, in however many attempts. */
export class ModelStep {
  readonly #scope: Scope;
  readonly #key: string;
  readonly #fingerprint: string;
  readonly #recorded: RecordedStep | undefined;
  readonly #attempt: number;
  readonly #items: number;
  readonly #request: ModelRequest;
  readonly #model: string;

  /** @param model The name under which the call's usage is counted. */
  constructor(scope: Scope, model: string, request: ModelRequest) {
    const { execution } = scope;
    this.#model = model;
    this.#scope = scope;
    this.#key = modelStepKey(scope);
    this.#request = request;
    this.#fingerprint = fingerprint(scope, request);
    this.#items = typeof request.input === "string" ? 1 : request.input.length;
    this.#recorded = execution.take(this.#key);
    this.#attempt = 1;
    if (this.#recorded) this.#assertSame(this.#recorded);
    else {
      execution.assertNothingSkipped(scope.prefix, this.#key);
      this.#attempt = execution.nextAttempt(this.#key);
    }
  }

  /** Makes the call, or gives what was recorded of it. */
  async respond(call: () => Promise<ModelResponse>): Promise<ModelResponse> {
    if (this.#recorded) return toModelResponse(this.#replay(this.#recorded));
    await this.#scope.execution.assertOwned();
    try {
      const response = await runInStep(this.#scope, undefined, call);
      const { output, responseId, requestId, usage } = response;
      const rawUsage = rawUsageOf(response);
      await this.#record({ output, responseId, requestId, usage: usage as UsageData, rawUsage });
      return response;
    } catch (error) {
      this.#scope.failedAttempts++;
      throw error;
    }
  }

  /** Makes the call and gives its events as they come; of a recorded call there is only the last event. */
  async *stream(call: () => AsyncIterable<StreamEvent>): AsyncGenerator<StreamEvent> {
    if (this.#recorded) {
      yield toResponseDone(this.#replay(this.#recorded));
      return;
    }
    await this.#scope.execution.assertOwned();
    const { writer } = this.#scope.execution;
    if (this.#attempt > 1) writer.emit(this.#key, this.#attempt, JSON.stringify({ type: "reset" }));
    const events = runInStep(this.#scope, undefined, () => call()[Symbol.asyncIterator]());
    try {
      for (let next = await this.#next(events); !next.done; next = await this.#next(events)) {
        const event = next.value;
        if (event.type === "response_done") {
          const { id, requestId, usage, output } = event.response;
          const rawUsage = rawUsageOf(event.response);
          await this.#record({ responseId: id, requestId, usage: usage as UsageData, rawUsage, output });
        } else if (isWorthKeeping(event)) {
          writer.emit(this.#key, this.#attempt, JSON.stringify(event));
        }
        yield event;
      }
    } catch (error) {
      this.#scope.failedAttempts++;
      const isAsked = this.#request.signal?.aborted || this.#scope.execution.signal.aborted;
      throw isAsked ? error : brokenOff(error);
    } finally {
      await events.return?.();
    }
  }

  #next(events: AsyncIterator<StreamEvent>): Promise<IteratorResult<StreamEvent>> {
    return runInStep(this.#scope, undefined, () => events.next());
  }

  #assertSame({ fingerprint, name, output }: RecordedStep): void {
    const { execution, agentName } = this.#scope;
    if (name !== null && name !== agentName) {
      throw execution.diverged(`"${this.#key}" is now called by agent "${agentName}", and was by "${name}"`);
    }
    if (fingerprint !== this.#fingerprint) {
      throw execution.diverged(
        `"${this.#key}" of agent "${agentName}" is now sent other items (${this.#fingerprint}) than it was ` +
          `(${fingerprint}; number of new items, and their hash)`,
      );
    }
    const response = output as RecordedResponse; // Written by #record().
    const gone = functionsNotOffered(this.#request, response.output)
      .find((called) => !response.invented?.includes(called));
    if (gone !== undefined) {
      throw execution.diverged(
        `"${this.#key}" called function "${gone}", and agent "${agentName}" has no tool or handoff of this name any more`,
      );
    }
  }

  #replay(recorded: RecordedStep): RecordedResponse {
    const response = recorded.output as RecordedResponse; // Written by #record().
    this.#complete(response);
    return response;
  }

  #complete(response: RecordedResponse): void {
    this.#scope.execution.count(this.#model, usageOf(response));
    this.#scope.turn++;
    this.#scope.sentItems = this.#items;
    this.#scope.failedAttempts = 0;
  }

  /** Waits for the commit when something is done because of this response; else the next write carries it. */
  async #record({ output, usage, responseId, requestId, rawUsage }: RecordedResponse): Promise<void> {
    const { failedAttempts } = this.#scope;
    const invented = functionsNotOffered(this.#request, output);
    this.#complete({ output, usage, failedAttempts });
    const committed = this.#scope.execution.record({
      key: this.#key,
      kind: "model",
      status: "completed",
      name: this.#scope.agentName,
      fingerprint: this.#fingerprint,
      attempt: this.#attempt,
      output: JSON.stringify({
        output,
        usage: usageData(usage),
        responseId,
        requestId,
        rawUsage,
        ...(failedAttempts > 0 ? { failedAttempts } : {}),
        ...(invented.length > 0 ? { invented } : {}),
      }),
    });
    if (output.some(({ type }) => !INERT_ITEMS.has(type))) await committed;
  }
}

/**
 * Tells whether the same is asked: how many items are new in this request, and their hash. What was sent before is
 * part of an earlier call's fingerprint, so that a run costs no more than its length.
 */
function fingerprint(scope: Scope, { input }: ModelRequest): string {
  const items = typeof input === "string" ? [input] : input;
  const added = items.length >= scope.sentItems ? items.slice(scope.sentItems) : items;
  const hash = createHash("sha256").update(JSON.stringify(added)).digest("base64url").slice(0, 12);
  return `${added.length}:${hash}`;
}

/** Counted the same way whether the model streamed or not. */
function usageData(usage: UsageData): UsageData {
  return { ...new Usage(usage) } as UsageData;
}

function toModelResponse(recorded: RecordedResponse): ModelResponse {
  const { output, responseId, requestId, rawUsage } = recorded;
  return {
    output,
    usage: usageOf(recorded),
    ...(responseId === undefined ? {} : { responseId }),
    ...(requestId === undefined ? {} : { requestId }),
    ...(rawUsage === undefined ? {} : { rawUsage }),
  };
}

function toResponseDone(recorded: RecordedResponse): ResponseDone {
  const { output, responseId = "", requestId, rawUsage } = recorded;
  const { inputTokens, outputTokens, totalTokens, ...rest } = usageOf(recorded);
  return {
    type: "response_done",
    response: {
      id: responseId,
      usage: { ...rest, inputTokens, outputTokens, totalTokens },
      output: output as ResponseDone["response"]["output"], // It came from such an event, or from its like.
      ...(requestId === undefined ? {} : { requestId }),
      ...(rawUsage === undefined ? {} : { rawUsage }),
    },
  };
}

/** The usage as the SDK counted it, with the attempts that had failed before. */
function usageOf({ usage, failedAttempts = 0 }: RecordedResponse): Usage {
  const answered = new Usage(usage);
  if (failedAttempts === 0) return answered;
  const endpoint = answered.requestUsageEntries?.[0]?.endpoint;
  const failed = new RequestUsage(endpoint === undefined ? {} : { endpoint });
  const total = new Usage();
  for (let attempt = 0; attempt < failedAttempts; attempt++) {
    total.add(new Usage({ requests: 1, requestUsageEntries: [failed] }));
  }
  answered.requestUsageEntries ??= [toRequestUsage(answered)];
  total.add(answered);
  return total;
}

/** What the provider itself said of the usage, if JSON can hold it: else the SDK passes over it, too. */
function rawUsageOf(response: { rawUsage?: RawUsage | undefined }): RawUsage | undefined {
  try {
    return response.rawUsage && JSON.parse(JSON.stringify(response.rawUsage));
  } catch {
    return undefined;
  }
}

/** The usage of one request. */
function toRequestUsage({ inputTokensDetails, outputTokensDetails, ...tokens }: Usage): RequestUsage {
  return new RequestUsage({
    ...tokens,
    ...(inputTokensDetails[0] ? { inputTokensDetails: inputTokensDetails[0] } : {}),
    ...(outputTokensDetails[0] ? { outputTokensDetails: outputTokensDetails[0] } : {}),
  });
}

/** The SDK takes an abort for one that was asked for, and a run whose provider aborts for completed, without an answer. */
function brokenOff(error: unknown): unknown {
  const isAbort = error instanceof Error && error.name === "AbortError";
  return isAbort ? new Error(`The model's answer broke off: ${error.message}`, { cause: error }) : error;
}

/**
 * Deltas are kept; what says again what a delta or the response says is not: providers repeat the whole text, the
 * instructions and the tools in their own events.
 */
function isWorthKeeping(event: StreamEvent): boolean {
  if (event.type === "output_text_delta") return true;
  if (event.type !== "model") return false;
  const { type } = event.event as { type?: unknown };
  return typeof type === "string" && type.endsWith(".delta") && type !== "response.output_text.delta";
}
