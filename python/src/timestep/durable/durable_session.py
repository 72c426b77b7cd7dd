"""Sessions in durable runs: what was read once is read again, and what was written is not written twice."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any, cast

from agents import TResponseInputItem
from agents.memory import Session

from ..session.database_session import DatabaseSession
from .journal_row import JournalRow
from .journal_writer import write_row
from .recorded_step import run_plain_step
from .scope import Scope, recording_scope

_METHODS = {"get_items": "read", "pop_item": "pop", "add_items": "add", "clear_session": "clear"}
_MARK = "__timestep_session_step__"


class RunSession(DatabaseSession):
    """The session of a run in the database that the run is recorded in: what the run adds is there exactly once."""


def instrument_session(session: Session) -> None:
    """Makes the uses of a session steps of the durable run that it is used in; in place, and nothing elsewhere."""
    for method, name in _METHODS.items():
        original = getattr(session, method)
        if not hasattr(original, _MARK):
            setattr(session, method, _step(session, name, original))


def _step(session: Session, name: str, original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(original)
    async def use(*args: Any, **kwargs: Any) -> Any:
        scope = recording_scope()
        if scope is None:
            return await original(*args, **kwargs)
        if name == "add" and isinstance(session, RunSession):
            items = args[0] if args else kwargs["items"]
            return await _add_once(scope, session, cast("list[TResponseInputItem]", items))
        return await run_plain_step(
            scope,
            f"session:{scope.prefix}{name}",
            "session",
            name,
            lambda: original(*args, **kwargs),
            encode=_same,
            decode=_same,
        )

    setattr(use, _MARK, True)
    return use


def _same(value: Any) -> Any:
    return value


async def _add_once(scope: Scope, session: RunSession, items: list[TResponseInputItem]) -> None:
    """The items and the record that they were added stand or fall together."""
    execution = scope.execution
    key = scope.unique(f"session:{scope.prefix}add")
    if execution.take(key) is not None:
        return
    try:
        async with execution.database.transaction() as transaction:
            await session.add_items_within(transaction, items)
            await write_row(transaction, execution.owner, JournalRow(key, "session", "completed", "add", output="null"))
    except BaseException as error:
        # Perhaps it was committed: only executing the run again tells.
        execution.fail(error)
        raise
    execution.writer.publish(key)
