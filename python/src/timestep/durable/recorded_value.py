"""What tools give, as JSON."""

from __future__ import annotations

import base64
import dataclasses
import json
import math
from typing import Any, cast

from agents import ToolOutputFileContent, ToolOutputImage, ToolOutputText
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from ..state._json_text import strict_json

_TYPE = "$timestep"
"""Marks what JSON has no form of its own for; the same mark as in TypeScript."""

_OUTPUTS: dict[str, type[BaseModel]] = {
    output.__name__: output for output in (ToolOutputText, ToolOutputImage, ToolOutputFileContent)
}


def encode_value(value: object) -> str:
    """A value as JSON text, such that `decode_value()` gives an equal one, or what the model would see of it."""
    if value is None:
        return json.dumps({_TYPE: "null"})
    try:
        return json.dumps(_encode(value))
    except (_NoFormError, RecursionError):
        # The SDK shows the model the text of any other object.
        return json.dumps(str(value))


def decode_value(recorded: object) -> object:
    """The value that was recorded."""
    if isinstance(recorded, list):
        return [decode_value(element) for element in recorded]
    if not isinstance(recorded, dict):
        return recorded
    kind = recorded.get(_TYPE)
    if kind is None:
        return {key: decode_value(element) for key, element in recorded.items()}
    if kind in ("sdk_error", "untyped"):
        return decode_value(recorded["value"])
    if kind == "tuple":
        return tuple(decode_value(element) for element in recorded["value"])
    if kind == "bytes":
        return base64.b64decode(str(recorded["value"]))
    if kind == "object":
        return {key: decode_value(element) for key, element in recorded["value"]}
    if kind in _OUTPUTS:
        return _OUTPUTS[kind].model_validate(recorded["value"])
    return None


def encode_typed(adapter: TypeAdapter[Any], value: object) -> str:
    """The output of a tool that declares its type as JSON text, such that `decode_typed()` gives an equal one.

    What answers for the tool when it fails may give something else, usually a text.
    """
    try:
        text = strict_json(adapter.dump_json(value, by_alias=True, warnings="error").decode())
        adapter.validate_json(text)
    except (PydanticSerializationError, ValidationError):
        return json.dumps({_TYPE: "untyped", "value": json.loads(encode_value(value))})
    return text


def decode_typed(adapter: TypeAdapter[Any], recorded: object) -> object:
    """The output that was recorded."""
    if isinstance(recorded, dict) and recorded.get(_TYPE) == "untyped":
        return decode_value(recorded)
    return adapter.validate_json(json.dumps(recorded))


def plain(value: object) -> object:
    """What JSON can hold of a value: of objects their data, else their text."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else str(value)
    if isinstance(value, dict):
        return {str(key): plain(element) for key, element in value.items()}
    if isinstance(value, list | tuple):
        return [plain(element) for element in value]
    if isinstance(value, BaseModel):
        return plain(value.model_dump(mode="json"))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return plain({field.name: getattr(value, field.name) for field in dataclasses.fields(value)})
    return str(value)


class _NoFormError(Exception):
    """JSON has no form of its own for a value: the text of what it is in would be another one, too."""


def _encode(value: object) -> object:
    if isinstance(value, BaseModel) and type(value).__name__ in _OUTPUTS:
        return {_TYPE: type(value).__name__, "value": value.model_dump(mode="json", exclude_unset=True)}
    # Not those of derived types, which have texts of their own.
    kind = type(value)
    if kind is bytes:
        return {_TYPE: "bytes", "value": base64.b64encode(cast(bytes, value)).decode()}
    if kind is list:
        return [_encode(element) for element in cast("list[object]", value)]
    if kind is tuple:
        return {_TYPE: "tuple", "value": [_encode(element) for element in cast("tuple[object, ...]", value)]}
    if kind is dict:
        entries = cast("dict[object, object]", value)
        if _TYPE not in entries and all(type(key) is str for key in entries):
            return {cast(str, key): _encode(element) for key, element in entries.items()}
    if value is None or kind in (str, bool, int) or (kind is float and math.isfinite(cast(float, value))):
        return value
    raise _NoFormError
