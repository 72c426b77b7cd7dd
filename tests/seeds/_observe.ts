import { setTraceProcessors, type Span, type SpanData } from "@openai/agents";

/** What a program did, told by the Agents SDK's own spans. */
export interface Observed {
  /** The function tools that ran, in the order in which they ended. */
  tools: { name: string; input: string; output: string }[];
  /** The guardrails that ran, and whether they tripped. */
  guardrails: { name: string; triggered: boolean }[];
  /** From which agent to which. */
  handoffs: string[];
  /** What the program threw, if it did. */
  error?: { name: string; message: string };
}

/** Begins to watch the runs of this process; nothing is sent to anybody. */
export function observe(): Observed {
  const observed: Observed = { tools: [], guardrails: [], handoffs: [] };
  setTraceProcessors([{
    start: () => {},
    onTraceStart: () => Promise.resolve(),
    onTraceEnd: () => Promise.resolve(),
    onSpanStart: () => Promise.resolve(),
    onSpanEnd: (span: Span<SpanData>) => {
      note(observed, span.spanData);
      return Promise.resolve();
    },
    shutdown: () => Promise.resolve(),
    forceFlush: () => Promise.resolve(),
  }]);
  return observed;
}

function note({ tools, guardrails, handoffs }: Observed, data: SpanData): void {
  if (data.type === "function") tools.push({ name: data.name, input: data.input, output: data.output });
  if (data.type === "guardrail") guardrails.push({ name: data.name, triggered: data.triggered });
  if (data.type === "handoff") handoffs.push(`${data.from_agent} -> ${data.to_agent}`);
}
