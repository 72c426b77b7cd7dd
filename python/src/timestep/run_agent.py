"""Running an agent: one function for a fresh run, a resumed one, streamed or not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from agents import (
    RunResult,
    RunResultStreaming,
    RunState,
    TResponseInputItem,
)

RunInput = str | list[TResponseInputItem] | RunState[Any]
"""What a run starts from: a text, items, or the state of a paused run."""

AgentResult = RunResult | RunResultStreaming
"""What a run ends with."""

T = TypeVar("T")
ResultProcessor = Callable[[AgentResult], Awaitable[T]]
"""Is given the result of the SDK's runner; what it returns is what `run_agent` returns."""
