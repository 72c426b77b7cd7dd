import type { AnyAgent } from "../agents/any_agent.ts";
import { type AnyRunState, type Envelope, seal } from "./envelope.ts";

/**
 * Takes a snapshot that can be loaded also where results are held back from a session until output guardrails have
 * seen them, or are not yet in it. The SDK ties such a turn to the session, and loads no state that says so; resumed with the
 * session, one that does not say it is tied again.
 */
export function sealUntied(agent: AnyAgent, state: AnyRunState): Envelope {
  const envelope = seal(agent, state);
  if (!envelope.state.includes(TIED) || !canBeUntied(state)) return envelope;
  const sessionId = state._currentTurnSessionHistoryTransactionSessionId;
  state._currentTurnSessionHistoryTransactionSessionId = undefined;
  try {
    const untied = seal(agent, state);
    // The input is not in the session yet: the SDK of the other language would not put it there.
    return untied.state.includes(HOLDS_INPUT) ? { ...untied, guardrails_settled: false } : untied;
  } finally {
    state._currentTurnSessionHistoryTransactionSessionId = sessionId;
  }
}

const TIED = ',"currentTurnExecutedWithSessionBinding":true';
const HOLDS_INPUT = ',"currentTurnSessionInputItems":';

/** Whether nothing was written to the session that is to be replaced there, nor is a write under way. */
function canBeUntied(state: AnyRunState): boolean {
  return state._currentStep?.type === "next_step_interruption" &&
    state._pendingSessionHistoryTransaction === undefined && state._pendingSessionWrite === undefined &&
    state._currentTurnDeferredSessionItemIndexes.size === 0 &&
    state._currentTurnBlockedSessionStartIndex === undefined;
}
