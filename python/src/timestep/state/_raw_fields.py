"""Fields that conversation items of all types have."""

from __future__ import annotations

import re

from ._json import At, JsonObject

JS_PLACEHOLDER_ID = "FAKE_ID"
PY_PLACEHOLDER_ID = "__fake_id__"
"""What each SDK calls an item to which the provider gave no id; the other would send it to the API."""

_CAPITAL = re.compile(r"([A-Z])")


def item_id(item: At) -> JsonObject:
    """The id, when the provider gave one."""
    found = item.get("id")
    if found is None:
        return {}
    text = found.text()
    return {"id": PY_PLACEHOLDER_ID if text == JS_PLACEHOLDER_ID else text}


def required_id(item: At) -> object:
    """The id, or what the Python SDK puts where the provider gave none."""
    return item_id(item).get("id", PY_PLACEHOLDER_ID)


def caller_of(item: At) -> JsonObject:
    """Who made a call, when the SDK says so."""
    caller = item.get("caller")
    if caller is None:
        return {}
    if caller.need("type").value != "direct":
        caller.fail("unsupported_item", "The conversation holds a call made by a program")
    return {"caller": {"type": "direct"}}


def extras_of(item: At, *reserved: str) -> JsonObject:
    """What only the provider knows, under the provider's own names."""
    data = item.get("providerData")
    if data is None:
        return {}
    renamed = {_snake(key): _snake_keys(value) for key, value in data.object().items()}
    return {key: value for key, value in renamed.items() if key not in reserved and key != "created_by"}


def _snake_keys(value: object) -> object:
    """Snake case for keys, but not inside arrays: exactly what the TypeScript SDK does when it sends."""
    if isinstance(value, dict):
        return {_snake(key): _snake_keys(entry) for key, entry in value.items()}
    return value


def _snake(key: str) -> str:
    return _CAPITAL.sub(r"_\1", key).lower()
