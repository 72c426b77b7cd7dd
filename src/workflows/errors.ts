import { TimestepError } from "../core/errors.ts";

/** DBOS was configured after it had been launched, or used, with other options. */
export class DBOSConfiguredLateError extends TimestepError {
  /** The class's name. */
  override readonly name = "DBOSConfiguredLateError";
  /** The condition, for programs to compare. */
  readonly code = "dbos_configured_late";
}

/** A run was given a session that another process could not open again. */
export class SessionNotDurableError extends TimestepError {
  /** The class's name. */
  override readonly name = "SessionNotDurableError";
  /** The condition, for programs to compare. */
  readonly code = "session_not_durable";
}

/** A queue that nobody has registered was named. */
export class QueueNotFoundError extends TimestepError {
  /** The class's name. */
  override readonly name = "QueueNotFoundError";
  /** The condition, for programs to compare. */
  readonly code = "queue_not_found";
}

/** A decision differs from one that was taken before, or the run can't take decisions. Nothing was recorded. */
export class DecisionConflictError extends TimestepError {
  /** The class's name. */
  override readonly name = "DecisionConflictError";
  /** The condition, for programs to compare. */
  readonly code = "decision_conflict";
}

/** A decision names an interruption that the run does not have. Nothing was recorded. */
export class InterruptionNotFoundError extends TimestepError {
  /** The class's name. */
  override readonly name = "InterruptionNotFoundError";
  /** The condition, for programs to compare. */
  readonly code = "interruption_not_found";
}

/** There is no schedule of this name. */
export class ScheduleNotFoundError extends TimestepError {
  /** The class's name. */
  override readonly name = "ScheduleNotFoundError";
  /** The condition, for programs to compare. */
  readonly code = "schedule_not_found";
}
