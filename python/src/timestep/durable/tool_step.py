"""Calls of function tools as steps of a durable run."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from agents.exceptions import ToolTimeoutError

from ..database.database_error import DatabaseError
from ..state.storable_id import storable_id
from .errors import OwnershipLostError, UnknownOutcome
from .journal_row import JournalRow, RecordedStep
from .journal_writer import write_row
from .recorded_value import decode_value, encode_value
from .run_error import without_secrets
from .scope import Frame, Scope, inside
from .tool_call import ToolCall

if TYPE_CHECKING:
    from ..database.database import Transaction

T = TypeVar("T")


@dataclass(frozen=True)
class ToolInvocation:
    """A function tool's call, as the SDK makes it."""

    tool_name: str
    call_id: str
    timeout_seconds: float | None
    encode: Callable[[object], str] = encode_value
    decode: Callable[[object], object] = decode_value


@dataclass(frozen=True)
class ToolOutput:
    """What a call gave."""

    value: object
    is_sdk_error: bool = False
    """Whether it is a text that the SDK made of an error."""


async def run_tool_step(
    scope: Scope, invocation: ToolInvocation, body: Callable[[], Awaitable[ToolOutput]]
) -> ToolOutput:
    """Calls a function tool, or gives what was recorded of the call.

    The result is not waited to be committed: what can follow from it is another model call, which is recorded after
    it. If the process dies in between, the call was in flight.
    """
    execution = scope.execution
    call_id = storable_id(invocation.call_id)
    key = scope.unique(f"tool:{scope.prefix}{scope.turn}:{call_id}")
    execution.use_approval(scope.agent_name, call_id, key)
    recorded = execution.take(key)
    if recorded is not None:
        return _replay(scope, invocation, recorded)
    return await _LiveToolCall(scope, invocation, key).run(body)


def _replay(scope: Scope, invocation: ToolInvocation, recorded: RecordedStep) -> ToolOutput:
    execution = scope.execution
    if recorded.name != invocation.tool_name:
        raise execution.diverged(
            f'call "{recorded.key}" is now of tool "{invocation.tool_name}", and was of "{recorded.name}"'
        )
    if recorded.status == "started":
        error = UnknownOutcome(recorded.key)
        execution.fail(error)
        raise error
    execution.restore_context(recorded)
    output = recorded.output
    if recorded.status == "completed":
        if isinstance(output, dict) and output.get("$timestep") == "sdk_error":
            return ToolOutput(output["value"], is_sdk_error=True)
        return ToolOutput(invocation.decode(output))
    if not isinstance(output, dict) or output.get("timedOut") is True:
        raise ToolTimeoutError(tool_name=invocation.tool_name, timeout_seconds=invocation.timeout_seconds or 0)
    raise _recorded_error(str(output.get("name")), str(output.get("message")))


class _LiveToolCall:
    """A call while it is made: the `ToolStep` that the tool's own code may take part in."""

    def __init__(self, scope: Scope, invocation: ToolInvocation, key: str) -> None:
        run_id = scope.execution.owner.run_id
        self.call = ToolCall(run_id, invocation.call_id, f"{run_id}:{key.removeprefix('tool:')}")
        self._scope = scope
        self._invocation = invocation
        self._key = key
        self._committed: str | None = None

    async def run(self, body: Callable[[], Awaitable[ToolOutput]]) -> ToolOutput:
        """Makes the call, and records what came of it."""
        invocation = self._invocation
        try:
            with inside(Frame(self._scope, is_in_step=True, tool_step=self)):
                output = await body()
        except Exception as error:
            # A call whose execution has failed has no result.
            self._scope.execution.check()
            self._record("failed", _encode_failure(error))
            raise
        self._scope.execution.check()
        if self._committed is not None:
            return ToolOutput(invocation.decode(json.loads(self._committed)))
        if output.is_sdk_error:
            self._record("completed", json.dumps({"$timestep": "sdk_error", "value": str(output.value)}))
            return output
        text = invocation.encode(output.value)
        self._record("completed", text)
        # The same as a replay gives.
        return replace(output, value=invocation.decode(json.loads(text)))

    async def begin(self) -> None:
        """Records that the call has begun; done when that is committed."""
        await self._scope.execution.record(replace(self._row, status="started"))

    async def in_transaction(self, body: Callable[[Transaction], Awaitable[T]]) -> T:
        """Runs `body` in a transaction, and records the call with the result in the same."""
        execution = self._scope.execution
        try:
            async with execution.database.transaction() as transaction:
                output = await body(transaction)
                text = self._invocation.encode(output)
                row = replace(self._row, output=text, context_patch=execution.patch_context())
                await write_row(transaction, execution.owner, row)
        except (OwnershipLostError, DatabaseError) as error:
            # Not the tool's error, and perhaps it was committed: only executing the run again tells.
            execution.fail(error)
            raise
        self._committed = text
        execution.writer.publish(self._key)
        return output

    @property
    def _row(self) -> JournalRow:
        return JournalRow(self._key, "tool", "completed", self._invocation.tool_name)

    def _record(self, status: str, output: str) -> None:
        execution = self._scope.execution
        if self._committed is None:
            execution.record(replace(self._row, status=status, output=output, context_patch=execution.patch_context()))


def _encode_failure(error: Exception) -> str:
    if isinstance(error, ToolTimeoutError):
        return json.dumps({"timedOut": True})
    return json.dumps({"name": type(error).__name__, "message": without_secrets(str(error))})


def _recorded_error(name: str, message: str) -> Exception:
    """The error that was recorded: its class is not known any more, only what it was called."""
    error: Exception = type(name, (Exception,), {})(message)
    return error
