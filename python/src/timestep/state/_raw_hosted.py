"""Calls that run at the provider: the TypeScript SDK's protocol to what goes over the wire."""

from __future__ import annotations

from ._json import At, JsonObject
from ._raw_fields import caller_of, extras_of, required_id

_HOSTED = {
    "web_search_call": "web_search_call",
    "web_search": "web_search_call",
    "file_search_call": "file_search_call",
    "file_search": "file_search_call",
    "code_interpreter_call": "code_interpreter_call",
    "code_interpreter": "code_interpreter_call",
    "image_generation_call": "image_generation_call",
    "image_generation": "image_generation_call",
    "mcp_list_tools": "mcp_list_tools",
    "mcp_approval_request": "mcp_approval_request",
    "mcp_approval_response": "mcp_approval_response",
    "mcp_call": "mcp_call",
}
"""The kinds of calls that run at the provider, with the names that older versions gave them."""


def hosted_kind(item: At) -> str | None:
    """What a hosted call is on the wire, or None when it is not one that is known."""
    data = item.get("providerData")
    named = data.get("type") if data is not None else None
    name = named.value if named is not None else item.need("name").value
    return _HOSTED.get(name) if isinstance(name, str) else None


def to_python_hosted_call(item: At) -> JsonObject:
    """What a call that ran at the provider is in Python."""
    item.object("type", "id", "name", "arguments", "status", "output", "caller", "providerData")
    kind = hosted_kind(item)
    if kind is None:
        item.fail(
            "unsupported_item",
            f"The conversation holds a hosted call of an unknown kind, {item.need('name').value!r}",
        )
    entry = extras_of(item, "type")
    output = item.get("output")
    status = item.get("status")
    if kind == "image_generation_call":
        entry["result"] = output.text() if output is not None else entry.get("result")
    elif kind == "mcp_call" and output is not None:
        entry["output"] = output.text()
    if kind not in _UNSTATED and status is not None:
        entry["status"] = status.text()
    if kind != "mcp_approval_response":
        entry.setdefault("id", required_id(item))
    return {**entry, "type": kind, **caller_of(item)}


_UNSTATED = ("mcp_list_tools", "mcp_approval_request", "mcp_approval_response", "mcp_call")
