import { Runner, RunState } from "@openai/agents";
import type { ModelProvider, Session } from "../core/package_types.ts";
import { MultiModelProvider } from "../model/multi_model_provider.ts";
import { claimOrigin, releaseOrigin } from "../state/claims.ts";
import { defaultResultProcessor } from "./default_result_processor.ts";
import { Settlement } from "./_settlement.ts";
import type { AnyAgent, ResultProcessor, RunAgentInput, RunAgentResult } from "./types.ts";

/**
 * Runs an agent until it answers, or until it needs somebody's approval.
 *
 * Errors reach the caller as they are: those of the Agents SDK with their class (`MaxTurnsExceededError`,
 * `InputGuardrailTripwireTriggered`, ...), also when the run streams.
 *
 * The SDK sends a trace of the run to OpenAI when there is an `OPENAI_API_KEY`, whatever the model;
 * `OPENAI_AGENTS_DISABLE_TRACING=1` prevents it.
 *
 * @example
 * ```ts no-eval
 * import { Agent } from "@openai/agents";
 * import { runAgent } from "@timestep-ai/timestep";
 *
 * const agent = new Agent({ name: "Assistant", instructions: "Be brief.", model: "gpt-4.1" });
 * const result = await runAgent(agent, "What's 2+2?");
 * console.log(result.finalOutput);
 * ```
 *
 * @param agent The agent that starts; it may hand over to others.
 * @param input A text, items, or the state of an interrupted run, which goes on where it stopped.
 * @param session The conversation: its history is read before the run and the new items are added to it.
 * Without one the run remembers nothing.
 * @param stream Whether the model's answers are streamed. Default: `false`.
 * @param resultProcessor Receives the result as soon as there is one, before a stream is read; the caller gets
 * what it returns. Default: {@linkcode defaultResultProcessor}, which waits for the end of the run. `null`: the
 * result is handed back untouched, a stream unread. An error of a processor goes to the caller, and does not
 * stop the run that it was reading.
 * @param modelProvider Where models that are given by name come from, also for agents used as tools. Default: a
 * {@linkcode MultiModelProvider}, set up from the environment.
 * @returns The result: a `StreamedRunResult` when the run streams, else a `RunResult`; or what the processor
 * made of it.
 */
export function runAgent<TAgent extends AnyAgent, TContext = unknown, TStream extends boolean = false>(
  agent: TAgent,
  input: RunAgentInput<TContext, TAgent>,
  session?: Session,
  stream?: TStream,
  resultProcessor?: null,
  modelProvider?: ModelProvider,
): Promise<RunAgentResult<TContext, TAgent, TStream>>;
/** Runs an agent, and gives what `resultProcessor` makes of the result. */
export function runAgent<
  TProcessed,
  TAgent extends AnyAgent,
  TContext = unknown,
  TStream extends boolean = false,
>(
  agent: TAgent,
  input: RunAgentInput<TContext, TAgent>,
  session: Session | undefined,
  stream: TStream | undefined,
  resultProcessor: ResultProcessor<TContext, TAgent, TStream, TProcessed>,
  modelProvider?: ModelProvider,
): Promise<TProcessed>;
export async function runAgent<TAgent extends AnyAgent, TContext>(
  agent: TAgent,
  input: RunAgentInput<TContext, TAgent>,
  session?: Session,
  stream: boolean = false,
  resultProcessor: ResultProcessor<TContext, TAgent, boolean, unknown> | null = defaultResultProcessor,
  modelProvider?: ModelProvider,
): Promise<unknown> {
  const resumed = input instanceof RunState ? input : null;
  if (resumed) await claimOrigin(resumed);
  const result = await startRun(agent, input, session, stream, modelProvider).catch((error) => {
    if (resumed) releaseOrigin(resumed);
    throw error;
  });
  const settlement = resumed ? new Settlement(resumed, result) : null;
  const processed = resultProcessor ? await resultProcessor(result) : result;
  await settlement?.ifEnded();
  return processed;
}

/** Starts a run: a streaming one has just begun when this returns, any other one is over. */
async function startRun<TAgent extends AnyAgent, TContext>(
  agent: TAgent,
  input: RunAgentInput<TContext, TAgent>,
  session: Session | undefined,
  stream: boolean,
  modelProvider: ModelProvider | undefined,
): Promise<RunAgentResult<TContext, TAgent, boolean>> {
  // A provider for each run: a key or an address that the environment gets between two runs counts.
  const runner = new Runner({ modelProvider: modelProvider ?? new MultiModelProvider() });
  const options = session ? { session } : {};
  return stream
    ? await runner.run(agent, input, { ...options, stream: true })
    : await runner.run(agent, input, options);
}
