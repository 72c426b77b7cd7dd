"""What changes in a run context: found after each step, and changed again on replay. The same form as in TypeScript."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import cast

from .errors import ContextNotSerializableError
from .journal_row import RecordedStep

_Path = list[str | int]
_Change = list[object]
"""`["set", path, value]`, `["delete", path]` or `["append", path, values]`."""


class ContextTracker:
    """The context that the steps of a run share. Looking at it after a step catches changes however they are made."""

    def __init__(self, name: str, context: object, patches: list[RecordedStep]) -> None:
        """Begins with the context as it is now.

        Args:
            name: Names the context within its run.
            context: Plain data, or None.
            patches: The steps recorded with changes of it, in order.

        Raises:
            ContextNotSerializableError: It holds what JSON cannot.
        """
        self._name = name
        self._context = context
        self._patches = patches
        self._text = _text(context)

    def patch(self) -> str | None:
        """What has changed since the last step that was recorded, as JSON text, if anything.

        Raises:
            ContextNotSerializableError: The context holds what JSON cannot.
        """
        text = _text(self._context)
        if text == self._text:
            return None
        changes = list(_difference(json.loads(self._text), json.loads(text), []))
        self._text = text
        return json.dumps({"context": self._name, "changes": changes})

    def restore(self, step: RecordedStep) -> None:
        """Changes the context as it was changed when a step was recorded.

        Steps that ran at the same time were recorded in some order; whichever is replayed first, the changes are
        made in that order.
        """
        place = float("inf") if step.position is None else step.position
        while self._patches and (_place(self._patches[0]) <= place):
            recorded = self._patches.pop(0).context_patch
            if isinstance(recorded, dict):
                for change in recorded["changes"]:
                    _apply(self._context, change)
        self._text = _text(self._context)


def _place(step: RecordedStep) -> float:
    return float("inf") if step.position is None else step.position


def assert_serializable(context: object) -> None:
    """Makes sure that a context can be restored.

    Raises:
        ContextNotSerializableError: It holds what JSON cannot.
    """
    _check(context, "context", [])


def _text(context: object) -> str:
    assert_serializable(context)
    return json.dumps(context)


def _check(value: object, place: str, parents: list[object]) -> None:
    if value is None or isinstance(value, str | bool | int):
        return
    if isinstance(value, float):
        if value - value == 0:
            return
        raise _not_serializable(place, str(value))
    if not isinstance(value, dict | list):
        raise _not_serializable(place, f"a {type(value).__name__}")
    if any(value is parent for parent in parents):
        raise _not_serializable(place, "an object that contains itself")
    inside = [*parents, value]
    if isinstance(value, list):
        for index, element in enumerate(value):
            _check(element, f"{place}[{index}]", inside)
        return
    for key, element in value.items():
        if not isinstance(key, str):
            raise _not_serializable(place, f"a dict with a key that is a {type(key).__name__}")
        _check(element, f"{place}.{key}", inside)


def _not_serializable(place: str, found: str) -> ContextNotSerializableError:
    return ContextNotSerializableError(
        f"Cannot record the run context: {place} is {found}, which JSON cannot hold, so it could not be restored when "
        "the run goes on in another process. Keep plain data in the context of a durable run"
    )


def _difference(before: object, after: object, path: _Path) -> Iterator[_Change]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in before:
            if key not in after:
                yield ["delete", [*path, key]]
        for key, value in after.items():
            if key in before:
                yield from _difference(before[key], value, [*path, key])
            else:
                yield ["set", [*path, key], value]
    elif isinstance(before, list) and isinstance(after, list) and path and len(before) <= len(after):
        for index, value in enumerate(before):
            yield from _difference(value, after[index], [*path, index])
        if len(after) > len(before):
            yield ["append", path, after[len(before) :]]
    elif json.dumps(before) != json.dumps(after):
        yield ["set", path, after]


def _apply(context: object, change: _Change) -> None:
    """Changes the objects that are there in place: tools may hold on to them."""
    kind, path = change[0], cast("_Path", change[1])
    if not path:
        _replace(context, change[2])
        return
    # Both were found in a value of this shape: see _difference().
    parent = cast("dict[str | int, object]", context)
    for step in path[:-1]:
        parent = cast("dict[str | int, object]", parent[step])
    key = path[-1]
    if kind == "set":
        parent[key] = change[2]
    elif kind == "delete":
        del parent[key]
    else:
        cast("list[object]", parent[key]).extend(cast("list[object]", change[2]))


def _replace(context: object, value: object) -> None:
    if isinstance(context, list) and isinstance(value, list):
        context[:] = value
    elif isinstance(context, dict) and isinstance(value, dict):
        context.clear()
        context.update(value)
