"""The call of a tool in a durable run, as the tool's own code may take part in it."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, TypeVar, overload

from agents import FunctionTool

from .scope import current_frame

if TYPE_CHECKING:
    from ..database.database import Transaction

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class ToolCall:
    """The call of a tool in a durable run, as the tool sees it."""

    run_id: str
    call_id: str
    """The model's id of the call."""
    idempotency_key: str
    """The same for this call in every attempt and every process, and for no other call.

    Give it to services that accept an idempotency key.
    """


class ToolStep(Protocol):
    """A tool call that is being recorded."""

    call: ToolCall

    async def begin(self) -> None:
        """Records that the call has begun; done when that is committed."""

    async def in_transaction(self, body: Callable[[Transaction], Awaitable[T]]) -> T:
        """Runs `body` in a transaction, and records the call with the result in the same."""
        ...


def tool_call() -> ToolCall | None:
    """The tool call that the calling code is part of; None outside of a tool, and in a run that is not durable."""
    frame = current_frame()
    return frame.tool_step.call if frame is not None and frame.tool_step is not None else None


@overload
def at_most_once(execute: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]: ...


@overload
def at_most_once(execute: Callable[P, T]) -> Callable[P, Awaitable[T]]: ...


def at_most_once(execute: Callable[P, object]) -> Callable[P, Awaitable[object]]:
    """Makes a tool whose calls are never repeated.

    If the process dies during a call, the run stops with status `unknown_outcome`, for a person to find out whether
    the call took effect. In a run that is not durable the tool does the same as without.

    Args:
        execute: What the tool does: a function, below `@function_tool`. What is no `async def` is called in a thread,
            as the SDK does.

    Raises:
        TypeError: It is given a tool, or anything else than a function.

    Example:
        ```python
        @function_tool
        @at_most_once
        async def launch(rocket: str) -> str:
            "Launches the rocket."
            ...
        ```
    """

    _require_function("at_most_once", execute)

    @functools.wraps(execute)
    async def once(*args: P.args, **kwargs: P.kwargs) -> object:
        if current_frame() is not None:
            await _own_step("at most once").begin()
        if inspect.iscoroutinefunction(execute):
            return await execute(*args, **kwargs)
        output = await asyncio.to_thread(execute, *args, **kwargs)
        return await output if inspect.isawaitable(output) else output

    return once


def transactional(execute: Callable[Concatenate[Transaction, P], Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Makes a tool whose writes to the database that the run is recorded in are there exactly once.

    They are committed together with the record of the call, or not at all. Durable runs only.

    Args:
        execute: What the tool does: an `async def` whose first parameter is the transaction, below
            `@function_tool`. If it raises, what it wrote is rolled back.

    Raises:
        TypeError: It is given a tool, or anything else than a function.

    Example:
        ```python
        @function_tool
        @transactional
        async def refund(transaction: Transaction, order: str) -> str:
            "Refunds an order."
            await transaction.query("update orders set refunded = true where id = $1", [order])
            return "Refunded."
        ```
    """

    _require_function("transactional", execute)

    @functools.wraps(execute)
    async def within(*args: P.args, **kwargs: P.kwargs) -> T:
        step = _own_step("in a transaction")
        return await step.in_transaction(lambda transaction: execute(transaction, *args, **kwargs))

    # What the model is told of the tool: without the transaction.
    signature = inspect.signature(execute)
    first, *others = signature.parameters.values()
    setattr(within, "__signature__", signature.replace(parameters=others))  # noqa: B010 -- not declared
    within.__annotations__ = {name: kind for name, kind in execute.__annotations__.items() if name != first.name}
    return within


def _require_function(decorator: str, execute: object) -> None:
    if isinstance(execute, FunctionTool) or not callable(execute):
        raise TypeError(
            f"Cannot make a tool with @{decorator}: it was given a {type(execute).__name__}, but takes the function. "
            f"Write @{decorator} below @function_tool"
        )


def _own_step(how: str) -> ToolStep:
    frame = current_frame()
    if frame is not None and frame.tool_step is not None:
        return frame.tool_step
    raise TypeError(
        f"Cannot execute this tool {how}: its call is not recorded by itself. It must be a tool of an agent in a "
        "durable run, not of a run that another tool started by its own code"
    )
