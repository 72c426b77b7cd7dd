"""Responses of models as they are recorded, and as they are given again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from agents import ModelResponse
from agents.items import TResponseOutputItem
from agents.run_internal.model_retry import apply_retry_attempt_usage
from agents.usage import (
    Usage,
    _attach_normalized_usage,
    _attach_raw_usage_snapshot,
    _extract_raw_usage_snapshot,
    _requests_for_response_without_usage,
    _response_usage_to_usage,
    deserialize_usage,
    serialize_usage,
)
from openai._models import construct_type
from openai.types.responses import Response, ResponseCompletedEvent, ResponseOutputItem, ResponseUsage
from pydantic import BaseModel

from ..state._protocol_items import to_protocol_item
from ..state.translation_error import StateTranslationError
from .journal_row import RecordedStep


def recorded_response(response: ModelResponse, failed_attempts: int) -> dict[str, Any]:
    """What is recorded: as TypeScript does, for those who read events; and as this SDK has it, for a replay.

    The request is not: it follows from the run's input and earlier steps.
    """
    native = [_plain_item(item) for item in response.output]
    usage = response.usage
    known = {
        "response_id": response.response_id,
        "request_id": response.request_id,
        "raw_usage": response.raw_usage,
    }
    recorded: dict[str, Any] = {
        "output": _protocol(native),
        "usage": {
            "requests": usage.requests,
            "inputTokens": usage.input_tokens,
            "outputTokens": usage.output_tokens,
            "totalTokens": usage.total_tokens,
        },
        "python": {
            "output": native,
            "usage": serialize_usage(usage),
            **{name: value for name, value in known.items() if value is not None},
            **({"failed_attempts": failed_attempts} if failed_attempts > 0 else {}),
        },
    }
    if response.response_id is not None:
        recorded["responseId"] = response.response_id
    return recorded


def native_response(recorded: RecordedStep) -> dict[str, Any]:
    """What `recorded_response()` has written of a response, as this SDK has it."""
    native: dict[str, Any] = cast("dict[str, Any]", recorded.output)["python"]
    return native


def replayed_response(recorded: RecordedStep) -> ModelResponse:
    """The response that was recorded."""
    native = native_response(recorded)
    # As the client makes them, which takes items that leave out what its types want: the SDK takes no such data.
    output = [construct_type(type_=ResponseOutputItem, value=item) for item in native["output"]]
    return ModelResponse(
        output=cast("list[TResponseOutputItem]", output),
        usage=apply_retry_attempt_usage(deserialize_usage(native["usage"]), int(native.get("failed_attempts", 0))),
        response_id=native.get("response_id"),
        request_id=native.get("request_id"),
        raw_usage=native.get("raw_usage"),
    )


def response_of(response: Response) -> ModelResponse:
    """What the SDK makes of the last event of a stream."""
    used = response.usage
    return ModelResponse(
        output=response.output,
        usage=_response_usage_to_usage(used)
        if used is not None
        else Usage(requests=_requests_for_response_without_usage(response)),
        response_id=response.id,
        request_id=getattr(response, "_request_id", None),
        raw_usage=_extract_raw_usage_snapshot(response),
    )


def completed_event(response: ModelResponse) -> ResponseCompletedEvent:
    """The event with which a stream ends, of a response that was recorded."""
    used = response.usage
    usage = ResponseUsage.model_construct(
        input_tokens=used.input_tokens,
        output_tokens=used.output_tokens,
        total_tokens=used.total_tokens,
        input_tokens_details=used.input_tokens_details,
        output_tokens_details=used.output_tokens_details,
    )
    # The SDK prefers it to the numbers, as it also says how many requests there were.
    _attach_normalized_usage(usage, used)
    completed = Response.model_construct(
        id=response.response_id or "",
        object="response",
        created_at=0,
        model="",
        output=response.output,
        tools=[],
        tool_choice="auto",
        parallel_tool_calls=True,
        usage=usage,
    )
    completed._request_id = response.request_id
    if response.raw_usage is not None:
        _attach_raw_usage_snapshot(completed, response.raw_usage)
    return ResponseCompletedEvent.model_construct(type="response.completed", sequence_number=0, response=completed)


def _plain_item(item: object) -> dict[str, object]:
    if isinstance(item, BaseModel):
        return item.model_dump(mode="json", exclude_unset=True)
    return dict(cast("dict[str, object]", item))


def _protocol(native: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    try:
        return [to_protocol_item(item, lambda _: None) for item in native]
    except StateTranslationError:
        return list(native)
