"""Model calls as steps of a durable run."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, cast

from agents import ModelResponse
from agents.items import TResponseStreamEvent
from agents.run_internal.model_retry import apply_retry_attempt_usage
from agents.usage import Usage, deserialize_usage, serialize_usage
from openai.types.responses import ResponseCompletedEvent, ResponseOutputItem, ResponseOutputItemDoneEvent
from pydantic import BaseModel

from ..state._facts import model_usage
from ..state._json_text import json_text
from .journal_row import JournalRow, RecordedStep
from .model_request import ModelRequest
from .recorded_response import completed_event, native_response, recorded_response, replayed_response, response_of
from .scope import Frame, Scope, inside

_INERT_ITEMS = ("message", "reasoning")
"""What nothing is done because of. What follows from other items must not be lost."""


def recorded_function_calls(scope: Scope) -> frozenset[str]:
    """The names of the functions that the model called in the next response, if that is recorded already."""
    recorded = scope.execution.peek(_key(scope))
    return frozenset() if recorded is None else _function_calls(recorded)


def _function_calls(recorded: RecordedStep) -> frozenset[str]:
    """Those that the model invented are not among them: what is called so now was not offered then."""
    called = (item["name"] for item in native_response(recorded)["output"] if item.get("type") == "function_call")
    return frozenset(called) - frozenset(_invented(recorded))


def _invented(recorded: RecordedStep) -> list[str]:
    invented: list[str] = cast("dict[str, Any]", recorded.output).get("invented", [])
    return invented


def _key(scope: Scope) -> str:
    return f"model:{scope.prefix}{scope.turn + 1}"


class ModelStep:
    """A model call at its place in a scope, in however many attempts."""

    def __init__(self, scope: Scope, model: str, request: ModelRequest) -> None:
        """Begins a call.

        Args:
            scope: Where it is made.
            model: The name under which the call's usage is counted.
            request: What the model is asked.
        """
        execution = scope.execution
        self._scope = scope
        self._model = model
        self._key = _key(scope)
        self._request = request
        self._fingerprint = request.fingerprint(scope.sent_items)
        self._items = len(request.items)
        self._recorded = execution.take(self._key)
        self._attempt = 1
        if self._recorded is not None:
            self._assert_same(self._recorded)
        else:
            execution.assert_nothing_skipped(scope.prefix, self._key)
            self._attempt = execution.next_attempt(self._key)

    async def respond(self, call: Callable[[], Awaitable[ModelResponse]]) -> ModelResponse:
        """Makes the call, or gives what was recorded of it."""
        if self._recorded is not None:
            return self._replay(self._recorded)
        try:
            with inside(Frame(self._scope, is_in_step=True)):
                response = await call()
        except Exception:
            self._scope.failed_attempts += 1
            raise
        await self._record(response)
        return response

    async def stream(
        self, call: Callable[[], AsyncIterator[TResponseStreamEvent]]
    ) -> AsyncGenerator[TResponseStreamEvent, None]:
        """Makes the call and gives its events as they come; of a recorded call there is only the last event."""
        if self._recorded is not None:
            yield completed_event(self._replay(self._recorded))
            return
        writer = self._scope.execution.writer
        if self._attempt > 1:
            writer.emit(self._key, self._attempt, json.dumps({"type": "reset"}))
        done: list[ResponseOutputItem] = []
        try:
            async with aclosing(self._events(call)) as events:
                async for event in events:
                    if isinstance(event, ResponseOutputItemDoneEvent):
                        done.append(event.item)
                    elif isinstance(event, ResponseCompletedEvent):
                        # What the SDK does for providers whose last event does not repeat the items.
                        event.response.output = event.response.output or done
                        await self._record(response_of(event.response))
                    if (kept := _kept(event)) is not None:
                        writer.emit(self._key, self._attempt, json_text(kept))
                    yield event
        except Exception:
            self._scope.failed_attempts += 1
            raise

    async def _events(
        self, call: Callable[[], AsyncIterator[TResponseStreamEvent]]
    ) -> AsyncGenerator[TResponseStreamEvent, None]:
        frame = Frame(self._scope, is_in_step=True)
        with inside(frame):
            source = call()
        try:
            while True:
                with inside(frame):
                    try:
                        event = await anext(source)
                    except StopAsyncIteration:
                        return
                yield event
        finally:
            if isinstance(source, AsyncGenerator):
                await source.aclose()

    def _assert_same(self, recorded: RecordedStep) -> None:
        execution, agent = self._scope.execution, self._scope.agent_name
        if recorded.name is not None and recorded.name != agent:
            raise execution.diverged(f'"{self._key}" is now called by agent "{agent}", and was by "{recorded.name}"')
        if recorded.fingerprint != self._fingerprint:
            raise execution.diverged(
                f'"{self._key}" of agent "{agent}" is now sent other items ({self._fingerprint}) than it was '
                f"({recorded.fingerprint}; number of new items, and their hash)"
            )
        invented = _invented(recorded)
        for name in self._request.not_offered(native_response(recorded)["output"]):
            if name not in invented:
                raise execution.diverged(
                    f'"{self._key}" called function "{name}", and agent "{agent}" has no tool or handoff of this name '
                    "any more"
                )

    def _replay(self, recorded: RecordedStep) -> ModelResponse:
        response = replayed_response(recorded)
        self._complete(response.usage)
        self._scope.replayed_calls = _function_calls(recorded)
        return response

    def _complete(self, usage: Usage) -> None:
        scope = self._scope
        scope.execution.count(model_usage(self._model, usage))
        scope.turn += 1
        scope.sent_items = self._items
        scope.failed_attempts = 0
        scope.replayed_calls = frozenset()

    async def _record(self, response: ModelResponse) -> None:
        """Waits for the commit when something is done because of this response; else the next write carries it."""
        failed = self._scope.failed_attempts
        output = recorded_response(response, failed)
        invented = self._request.not_offered(output["python"]["output"])
        if invented:
            output["invented"] = invented
        self._complete(apply_retry_attempt_usage(deserialize_usage(serialize_usage(response.usage)), failed))
        committed = self._scope.execution.record(
            JournalRow(
                self._key,
                "model",
                "completed",
                self._scope.agent_name,
                self._fingerprint,
                self._attempt,
                json_text(output),
            )
        )
        if any(_type(item) not in _INERT_ITEMS for item in response.output):
            await committed


def _type(item: object) -> object:
    return item.get("type") if isinstance(item, dict) else getattr(item, "type", None)


def _kept(event: TResponseStreamEvent) -> dict[str, object] | None:
    """What readers of the run's events get, in the form of the TypeScript SDK's model stream: the deltas.

    What says again what a delta or the response says is not kept.
    """
    if not isinstance(event, BaseModel):
        return None  # What a model makes of its own is for the SDK to judge.
    if event.type == "response.output_text.delta":
        return {"type": "output_text_delta", "delta": event.delta}
    if event.type.endswith(".delta"):
        return {"type": "model", "event": event.model_dump(mode="json", exclude_unset=True)}
    return None
