import { TimestepError } from "../core/errors.ts";

/** DBOS was configured after it had been launched, or used, with other options. */
export class DBOSConfiguredLateError extends TimestepError {
  override readonly name = "DBOSConfiguredLateError";
  readonly code = "dbos_configured_late";
}

/** A run was given a session that another process could not open again. */
export class SessionNotDurableError extends TimestepError {
  override readonly name = "SessionNotDurableError";
  readonly code = "session_not_durable";
}

/** A queue that nobody has registered was named. */
export class QueueNotFoundError extends TimestepError {
  override readonly name = "QueueNotFoundError";
  readonly code = "queue_not_found";
}

/** A decision differs from one that was taken before, or the run can't take decisions. Nothing was recorded. */
export class DecisionConflictError extends TimestepError {
  override readonly name = "DecisionConflictError";
  readonly code = "decision_conflict";
}

/** A decision names an interruption that the run does not have. Nothing was recorded. */
export class InterruptionNotFoundError extends TimestepError {
  override readonly name = "InterruptionNotFoundError";
  readonly code = "interruption_not_found";
}

/** There is no schedule of this name. */
export class ScheduleNotFoundError extends TimestepError {
  override readonly name = "ScheduleNotFoundError";
  readonly code = "schedule_not_found";
}
