"""The errors of saving and loading paused runs."""

from __future__ import annotations

from ..errors import TimestepError


class RunStateNotFoundError(TimestepError):
    """There is no paused run where one was looked for."""

    code = "run_state_not_found"


class RunStateConflictError(TimestepError):
    """Somebody else saved, resumed or is resuming the run."""

    code = "run_state_conflict"


class RunStateGraphError(TimestepError):
    """The saved run belongs to other agents than those given."""

    code = "run_state_graph_mismatch"


class RunStateMalformedError(TimestepError):
    """What is saved is damaged, or of an unknown version."""

    code = "run_state_malformed"
