"""What tools give, as JSON."""

from __future__ import annotations

import base64
import dataclasses
import json
from typing import Any, cast

from agents import ToolOutputFileContent, ToolOutputImage, ToolOutputText
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

_TYPE = "$timestep"
"""Marks what JSON has no form of its own for; the same mark as in TypeScript."""

_OUTPUTS: dict[str, type[BaseModel]] = {
    output.__name__: output for output in (ToolOutputText, ToolOutputImage, ToolOutputFileContent)
}


def encode_value(value: object) -> str:
    """A value as JSON text, such that `decode_value()` gives an equal one, or what the model would see of it."""
    return json.dumps({_TYPE: "null"} if value is None else _encode(value))


def decode_value(recorded: object) -> object:
    """The value that was recorded."""
    if isinstance(recorded, list):
        return [decode_value(element) for element in recorded]
    if not isinstance(recorded, dict):
        return recorded
    kind = recorded.get(_TYPE)
    if kind is None:
        return {key: decode_value(element) for key, element in recorded.items()}
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
        text = adapter.dump_json(value, by_alias=True, warnings="error").decode()
        adapter.validate_json(text)
    except (PydanticSerializationError, ValidationError):
        return json.dumps({_TYPE: "untyped", "value": json.loads(encode_value(value))})
    return text


def decode_typed(adapter: TypeAdapter[Any], recorded: object) -> object:
    """The output that was recorded."""
    if isinstance(recorded, dict) and recorded.get(_TYPE) == "untyped":
        return decode_value(recorded["value"])
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


def _encode(value: object) -> object:
    if isinstance(value, BaseModel) and type(value).__name__ in _OUTPUTS:
        return {_TYPE: type(value).__name__, "value": value.model_dump(mode="json", exclude_unset=True)}
    if isinstance(value, bytes):
        return {_TYPE: "bytes", "value": base64.b64encode(value).decode()}
    if isinstance(value, list):
        return [_encode(element) for element in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value) and _TYPE not in value:
        return {cast(str, key): _encode(element) for key, element in value.items()}
    if value is None or isinstance(value, str | bool | int) or (isinstance(value, float) and value - value == 0):
        return value
    # The SDK shows the model the text of any other object.
    return str(value)
