import { TimestepError } from "../../core/errors.ts";

/** Why a state cannot be carried over. The list is part of the interface: codes are added, never renamed. */
export type TranslationCode =
  | "agent_not_found"
  | "call_id_reused"
  | "call_unaccounted"
  | "context_not_saved"
  | "duplicate_agent"
  | "guardrail_tripped"
  | "guardrails_unsettled"
  | "handoff_pending"
  | "history_filtered"
  | "load_incomplete"
  | "local_mcp_call"
  | "malformed_state"
  | "not_interrupted"
  | "response_unprocessed"
  | "sandbox"
  | "session_write_pending"
  | "tool_not_found"
  | "unknown_schema_version"
  | "unsafe_number"
  | "unsupported_approval"
  | "unsupported_call"
  | "unsupported_item";

/**
 * A saved state cannot be carried over from the other language without changing its meaning. Nothing was changed or
 * executed: the run can still be resumed in the language that saved it.
 */
export class StateTranslationError extends TimestepError {
  /** Why, for programs to compare. */
  override readonly code: TranslationCode;
  /** The class's name. */
  override readonly name = "StateTranslationError";
  /** Where in the saved state, as in `generated_items[3].raw_item`; empty for the whole. */
  readonly path: string;

  /** Makes an error about what stands at `path`. */
  constructor(code: TranslationCode, path: string, message: string, options?: ErrorOptions) {
    super(`Cannot load the saved run: ${message} (at ${path || "the top"}; ${code})`, options);
    this.code = code;
    this.path = path;
  }
}

/** What to do about most of what cannot be carried over. */
export const RESUME_THERE = "Resume it in Python, where it was saved.";
