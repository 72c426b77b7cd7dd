"""Steps that are neither model calls nor tool calls: guardrails, handoffs, approvals, uses of a session."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from ..state._json_text import json_text
from .journal_row import JournalRow
from .scope import Frame, Scope, inside

T = TypeVar("T")


async def run_plain_step(
    scope: Scope,
    key: str,
    kind: str,
    name: str,
    body: Callable[[], Awaitable[T]],
    *,
    encode: Callable[[T], object],
    decode: Callable[[object], T],
) -> T:
    """Does a step, or gives what was recorded of it. A step that raises is not recorded: it is done again.

    Args:
        scope: Where it is done.
        key: Names the step in its scope.
        kind: What it is.
        name: Of what.
        body: Does it.
        encode: What to record of the result.
        decode: The result, from what was recorded of it.
    """
    execution = scope.execution
    unique = scope.unique(key)
    recorded = execution.take(unique)
    if recorded is not None:
        execution.restore_context(recorded)
        return decode(recorded.output)
    with inside(Frame(scope, is_in_step=True)):
        result = await body()
    execution.record(
        JournalRow(
            unique,
            kind,
            "completed",
            name,
            output=json_text(encode(result)),
            context_patch=execution.patch_context(),
        )
    )
    return result
