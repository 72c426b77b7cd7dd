import {
  type Agent,
  type AgentInputItem,
  type ModelProvider,
  Runner,
  type RunResult,
  type RunState,
  type StreamedRunResult,
} from "@openai/agents";

// deno-lint-ignore no-explicit-any -- the constraint under which the SDK itself runs an agent
type AnyAgent = Agent<any, any>;
type Input<A extends AnyAgent> = string | AgentInputItem[] | RunState<undefined, A>;
type Result<A extends AnyAgent> = RunResult<undefined, A> | StreamedRunResult<undefined, A>;

/** Runs an agent to the end; `deltas` are the pieces of text that a stream brought. */
export type Run = <A extends AnyAgent>(
  modelProvider: ModelProvider,
  agent: A,
  input: Input<A>,
) => Promise<{ result: Result<A>; deltas: string[] }>;

/** Runs an agent without a stream. */
export const runWhole: Run = async (modelProvider, agent, input) => ({
  result: await new Runner({ modelProvider, tracingDisabled: true }).run(agent, input),
  deltas: [],
});

/** Runs an agent in a stream, and reads it. */
export const runStreamed: Run = async (modelProvider, agent, input) => {
  const result = await new Runner({ modelProvider, tracingDisabled: true }).run(agent, input, {
    stream: true,
  });
  const deltas: string[] = [];
  for await (const event of result) {
    if (event.type !== "raw_model_stream_event" || event.data.type !== "output_text_delta") continue;
    deltas.push(event.data.delta);
  }
  await result.completed;
  return { result, deltas };
};

/** Both ways to run an agent: what holds for one must hold for the other. */
export const RUNS: [how: string, run: Run][] = [["", runWhole], [" in a stream", runStreamed]];
