"""The errors of durable runs."""

from __future__ import annotations

from ..durable.errors import RunConflictError as RunConflictError
from ..durable.errors import RunNotFoundError as RunNotFoundError
from ..errors import TimestepError


class DBOSConfiguredLateError(TimestepError):
    """DBOS was configured after it had been launched, or used, with other options."""

    code = "dbos_configured_late"


class QueueNotFoundError(TimestepError):
    """A queue that nobody has registered was named."""

    code = "queue_not_found"


class ScheduleNotFoundError(TimestepError):
    """A schedule that there is not was named."""

    code = "schedule_not_found"


class InterruptionNotFoundError(TimestepError):
    """A decision names an interruption that the run does not have. Nothing was recorded."""

    code = "interruption_not_found"


class DecisionConflictError(TimestepError):
    """A decision differs from one that was taken before, or the run can't take decisions. Nothing was recorded."""

    code = "decision_conflict"


class SessionNotDurableError(TimestepError):
    """A run was given a session that another process could not open again."""

    code = "session_not_durable"


class ToolCallNotSettledError(TimestepError):
    """A tool call cannot be settled as asked."""

    code = "tool_call_not_settled"
