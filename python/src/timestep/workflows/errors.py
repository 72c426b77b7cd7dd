"""The errors of durable runs."""

from __future__ import annotations

from ..errors import TimestepError


class RunNotFoundError(TimestepError):
    """There is no run of this id."""

    code = "run_not_found"


class RunConflictError(TimestepError):
    """A run of this id has another agent, input or session."""

    code = "run_conflict"


class QueueNotFoundError(TimestepError):
    """A queue that nobody has registered was named."""

    code = "queue_not_found"


class InterruptionNotFoundError(TimestepError):
    """A decision names an interruption that the run does not have. Nothing was recorded."""

    code = "interruption_not_found"


class DecisionConflictError(TimestepError):
    """A decision differs from one that was taken before, or the run can't take decisions. Nothing was recorded."""

    code = "decision_conflict"


class SessionNotDurableError(TimestepError):
    """A run was given a session that another process could not open again."""

    code = "session_not_durable"
