"""Conversation items of the Python SDK as protocol items of the TypeScript SDK.

The way back of `_raw_items`. What the protocol has no form for becomes an item of type `unknown`, which the
TypeScript SDK sends to the model as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ._json import At, JsonObject
from ._raw_fields import JS_PLACEHOLDER_ID, PY_PLACEHOLDER_ID
from ._raw_items import to_python_item
from .translation_error import StateTranslationError

ToolNames = Callable[[str], str | None]
"""Gives the name of the tool that a call was for, by the call's id."""

_HOSTED = ("web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call")
_HOSTED_MCP = ("mcp_list_tools", "mcp_approval_request", "mcp_approval_response", "mcp_call")


def to_protocol_item(item: Mapping[str, object], tool_name: ToolNames) -> JsonObject:
    """What an item of the Python SDK is in the TypeScript SDK.

    Raises:
        StateTranslationError: `unsupported_item` for the output of a call that is not in the conversation:
            the TypeScript SDK cannot say what it is the output of.
    """
    plain = {key: value for key, value in item.items() if value is not None}
    kind = plain.get("type")
    if kind == "function_call":
        return _function_call(plain)
    if kind == "function_call_output":
        return _function_call_output(plain, tool_name)
    if "role" in plain and plain["role"] == "assistant" and kind in (None, "message"):
        return _assistant(plain)
    converted = _convert(plain)
    if converted is not None and _comes_back(converted, plain):
        return converted
    return {"type": "unknown", **_id(plain), "providerData": {k: v for k, v in plain.items() if k != "id"}}


def from_protocol_item(item: object, where: At | None = None) -> JsonObject:
    """What a stored protocol item is for the Python SDK.

    Raises:
        StateTranslationError: as `to_python_item`.
    """
    translated = to_python_item(where or At(item))
    # The TypeScript SDK insists on a status; the Python SDK leaves it out, and compares items.
    if translated.get("type") == "function_call_output" and translated.get("status") == "completed":
        del translated["status"]
    return translated


def _comes_back(converted: JsonObject, plain: JsonObject) -> bool:
    try:
        return from_protocol_item(converted) == plain
    except StateTranslationError:
        return False


def _convert(item: JsonObject) -> JsonObject | None:
    kind = item.get("type")
    role = item.get("role")
    if kind in (None, "message") and role in ("user", "system"):
        return _message(item)
    if kind == "reasoning":
        return _reasoning(item)
    if kind == "compaction":
        return {**item, **_id(item)}
    if kind in _HOSTED:
        return _hosted(item)
    if kind in _HOSTED_MCP:
        data = {key: value for key, value in item.items() if key != "output"}
        output = {"output": item["output"]} if isinstance(item.get("output"), str) else {}
        return {
            "type": "hosted_tool_call",
            **_id(item),
            "name": kind,
            "status": "completed",
            **output,
            "providerData": data,
        }
    return None


def _message(item: JsonObject) -> JsonObject | None:
    content = item.get("content")
    if isinstance(content, list):
        parts = [_input_part(part) for part in content]
        if any(part is None for part in parts):
            return None
        content = parts
    return {**item, "content": content, **_id(item)}


def _input_part(part: object) -> JsonObject | None:
    if not isinstance(part, dict):
        return None
    plain = {key: value for key, value in part.items() if value is not None}
    kind = plain.get("type")
    if kind == "input_text":
        return plain
    if kind == "input_image":
        rest = {key: value for key, value in plain.items() if key not in ("image_url", "file_id")}
        if "image_url" in plain:
            return {**rest, "image": plain["image_url"]}
        return {**rest, "image": {"id": plain["file_id"]}} if "file_id" in plain else None
    if kind == "input_file":
        rest = {key: value for key, value in plain.items() if key not in ("file_data", "file_url", "file_id")}
        if "file_id" in plain:
            return {**rest, "file": {"id": plain["file_id"]}}
        if "file_url" in plain:
            return {**rest, "file": {"url": plain["file_url"]}}
        return {**rest, "file": plain["file_data"]} if "file_data" in plain else None
    return None


def _assistant(item: JsonObject) -> JsonObject:
    content = item.get("content")
    parts = [{"type": "output_text", "text": content}] if isinstance(content, str) else content
    known = ("type", "id", "role", "content", "status", "phase")
    extras = {key: value for key, value in item.items() if key not in known}
    return {
        "type": "message",
        **_id(item),
        "role": "assistant",
        "status": item.get("status", "completed"),
        "content": [_output_part(part) for part in parts] if isinstance(parts, list) else [],
        **({"phase": item["phase"]} if "phase" in item else {}),
        **({"providerData": extras} if extras else {}),
    }


def _output_part(part: object) -> object:
    if not isinstance(part, dict):
        return part
    text = "refusal" if part.get("type") == "refusal" else "text"
    extras = {key: value for key, value in part.items() if key not in ("type", text)}
    return {
        "type": part.get("type"),
        text: part.get(text),
        **({"providerData": extras} if extras else {}),
    }


def _function_call(item: JsonObject) -> JsonObject:
    known = ("type", "id", "call_id", "name", "namespace", "arguments", "status", "caller")
    extras = {key: value for key, value in item.items() if key not in known}
    kept = ("name", "namespace", "arguments", "status", "caller")
    return {
        "type": "function_call",
        **_id(item),
        "callId": item.get("call_id"),
        **{key: item[key] for key in kept if key in item},
        **({"providerData": extras} if extras else {}),
    }


def _function_call_output(item: JsonObject, tool_name: ToolNames) -> JsonObject:
    call_id = str(item.get("call_id"))
    name = tool_name(call_id)
    if name is None:
        raise StateTranslationError(
            "unsupported_item",
            "",
            f"The output of the call {call_id!r} cannot be kept: the call itself is not in the conversation. "
            "Add the call first",
        )
    known = ("type", "id", "call_id", "output", "status", "caller")
    extras = {key: value for key, value in item.items() if key not in known}
    output = item.get("output")
    parts = [_input_part(part) for part in output] if isinstance(output, list) else None
    return {
        "type": "function_call_result",
        **_id(item),
        "callId": call_id,
        "name": name,
        "status": item.get("status", "completed"),
        "output": [part for part in parts if part is not None] if parts is not None else output,
        **({"caller": item["caller"]} if "caller" in item else {}),
        **({"providerData": extras} if extras else {}),
    }


def _reasoning(item: JsonObject) -> JsonObject | None:
    summary = item.get("summary")
    if not isinstance(summary, list):
        return None
    return {
        "type": "reasoning",
        **_id(item),
        "content": [
            {"type": "input_text", "text": part.get("text"), "providerData": {"type": "summary_text"}}
            for part in summary
            if isinstance(part, dict)
        ],
        "providerData": {key: value for key, value in item.items() if key not in ("summary", "id")},
    }


def _hosted(item: JsonObject) -> JsonObject:
    data = {key: value for key, value in item.items() if key not in ("status", "result")}
    return {
        "type": "hosted_tool_call",
        **_id(item),
        "name": item["type"],
        **({"status": item["status"]} if "status" in item else {}),
        **({"output": item["result"]} if isinstance(item.get("result"), str) else {}),
        "providerData": data,
    }


def _id(item: JsonObject) -> JsonObject:
    if "id" not in item:
        return {}
    return {"id": JS_PLACEHOLDER_ID if item["id"] == PY_PLACEHOLDER_ID else item["id"]}
