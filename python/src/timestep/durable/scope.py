"""Where in a run the code that is running now is: this is what names the steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .execution import Execution

if TYPE_CHECKING:
    from .tool_call import ToolStep


class Scope:
    """One run of the SDK's loop inside a durable run: the run itself, or an agent used as a tool.

    It names the steps: a step's key says where it is, never when it came, so that parallel calls may end in any
    order.
    """

    def __init__(self, execution: Execution, prefix: str) -> None:
        """Begins a scope.

        Args:
            execution: The run.
            prefix: Begins every key of this scope: `<segment>.`, or `<key of the agent tool's call>/`.
        """
        self.execution = execution
        self.prefix = prefix
        self.turn = 0
        """How many model calls this scope has completed."""
        self.sent_items = 0
        """How many items of the last request were already part of a fingerprint."""
        self.failed_attempts = 0
        """How many attempts of the model call under way have failed."""
        self.agent_name: str | None = None
        """The agent whose turn it is."""
        self.replayed_calls: frozenset[str] = frozenset()
        """The functions that the last response called, if it was replayed."""
        self._occurrences: dict[str, int] = {}

    def unique(self, key: str) -> str:
        """`key`, with a number from the second time on that it is asked for."""
        occurrence = self._occurrences[key] = self._occurrences.get(key, 0) + 1
        return key if occurrence == 1 else f"{key}#{occurrence}"


@dataclass(frozen=True)
class Frame:
    """Where the code that is running now is."""

    scope: Scope
    is_in_step: bool = False
    """Whether it is inside a step: then nothing in it is a step of its own."""
    tool_step: ToolStep | None = None
    """The tool call that it is inside of."""
    paused_calls: frozenset[str] | None = None
    """While a paused response is gone on with: the functions that it called."""


_frame: ContextVar[Frame | None] = ContextVar("timestep_frame", default=None)


def current_frame() -> Frame | None:
    """Where the code that is running now is; nothing outside of a durable run."""
    return _frame.get()


def recording_scope() -> Scope | None:
    """The scope whose steps are to be recorded; nothing outside of a durable run and inside of a step."""
    frame = _frame.get()
    return frame.scope if frame is not None and not frame.is_in_step else None


@contextmanager
def inside(frame: Frame) -> Iterator[None]:
    """Puts the code of the block, and all tasks that it starts, there."""
    token = _frame.set(frame)
    try:
        yield
    finally:
        _frame.reset(token)
