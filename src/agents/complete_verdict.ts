/**
 * What a guardrail said of input or output that it lets pass, with what it said about it, be it nothing: when that is left
 * out, the SDK cannot save the state of the run, or not load it again.
 */
export function completeVerdict<T>(verdict: T): T {
  const { tripwireTriggered, outputInfo } = verdict as { tripwireTriggered?: boolean; outputInfo?: unknown };
  return tripwireTriggered === false && outputInfo === undefined ? { ...verdict, outputInfo: null } : verdict;
}
