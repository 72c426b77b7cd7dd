"""The errors of executing durable runs; the same names and codes as in TypeScript."""

from __future__ import annotations

from ..errors import TimestepError


class AgentNameConflictError(TimestepError):
    """Two different agents were registered under one name."""

    code = "agent_name_conflict"


class AgentNotRegisteredError(TimestepError):
    """A run belongs to an agent that this process has not registered. The run is left as it was."""

    code = "agent_not_registered"

    def __init__(self, run_id: str, agent_name: str) -> None:
        """Says which run waits for which agent."""
        super().__init__(
            f'Cannot execute run "{run_id}": agent "{agent_name}" is not registered in this process. '
            "Call register_agent() with it; the run waits"
        )
        self.agent_name = agent_name
        """The name of the agent that is missing."""


class OtherLanguageError(TimestepError):
    """A part of a run was begun in TypeScript, or only TypeScript can go on with it. The run is left as it was."""

    code = "other_language"


class RunNotFoundError(TimestepError):
    """There is no run of this id."""

    code = "run_not_found"


class RunConflictError(TimestepError):
    """A run of this id has another agent, input or session."""

    code = "run_conflict"


class OwnershipLostError(TimestepError):
    """Another process has taken the run over, or it has ended; this one must stop, and has written nothing since."""

    code = "ownership_lost"


class ExecutionStoppedError(TimestepError):
    """The execution was told to stop before the run's end. It goes on where it was when it is executed again."""

    code = "execution_stopped"


class ModelRateLimitedError(TimestepError):
    """The model's provider said to come back later. The run goes on where it was when it is executed again."""

    code = "model_rate_limited"

    def __init__(self, run_id: str, retry_after_seconds: float) -> None:
        """Says which run waits, and for how long."""
        super().__init__(
            f'Cannot go on with run "{run_id}" now: the model\'s provider is limiting requests and asks to wait '
            f"{retry_after_seconds} seconds"
        )
        self.retry_after_seconds = retry_after_seconds
        """How long the provider said to wait."""


class ToolsUnavailableError(TimestepError):
    """An MCP server cannot be asked for its tools. The run goes on where it was when it is executed again."""

    code = "tools_unavailable"


class RunDivergedError(TimestepError):
    """The agent's code, or what it read, no longer fits what the run has recorded."""

    code = "run_diverged"


class ContextNotSerializableError(TimestepError):
    """Something put a value into the run context that JSON cannot hold, so it could not be restored."""

    code = "context_not_serializable"


class UnsupportedToolError(TimestepError):
    """An agent has a tool whose effects cannot be recorded."""

    code = "unsupported_tool"


class ApprovalReusedError(TimestepError):
    """A model gave one id to two calls, so that the approval of one would have been taken for the other."""

    code = "approval_reused"


class UnknownOutcome(Exception):
    """Raised inside of a run at a call that had begun before and must not be repeated. Never leaves it."""

    def __init__(self, step_key: str) -> None:
        """Says which call."""
        super().__init__(f'Nobody knows whether "{step_key}" was completed')
        self.step_key = step_key
