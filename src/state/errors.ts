import { TimestepError } from "../core/errors.ts";

/** There is no paused run where one was looked for. */
export class RunStateNotFoundError extends TimestepError {
  /** The condition, for programs to compare. */
  override readonly code = "run_state_not_found";
  /** The class's name. */
  override readonly name = "RunStateNotFoundError";
}

/** Somebody else saved, resumed or is resuming the run. Nothing was changed. */
export class RunStateConflictError extends TimestepError {
  /** The condition, for programs to compare. */
  override readonly code = "run_state_conflict";
  /** The class's name. */
  override readonly name = "RunStateConflictError";
}

/** The saved run needs agents, tools or handoffs that the given agent does not have. */
export class RunStateGraphError extends TimestepError {
  /** The condition, for programs to compare. */
  override readonly code = "run_state_graph_mismatch";
  /** The class's name. */
  override readonly name = "RunStateGraphError";
}

/** What is saved is damaged, or of a version that is not known here. It is left as it is. */
export class RunStateMalformedError extends TimestepError {
  /** The condition, for programs to compare. */
  override readonly code = "run_state_malformed";
  /** The class's name. */
  override readonly name = "RunStateMalformedError";
}
