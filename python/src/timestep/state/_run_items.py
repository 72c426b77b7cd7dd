"""Run items: what an agent produced, in the two SDKs' snapshots."""

from __future__ import annotations

import json
from collections.abc import Callable

from ._json import At, JsonObject
from ._raw_hosted import hosted_kind
from ._raw_items import to_python_item

LookupKey = JsonObject
"""How the Python SDK names a function tool: its kind, name and namespace."""


def to_python_run_item(item: At) -> JsonObject:
    """What a run item of a TypeScript snapshot is in a Python one.

    Raises:
        StateTranslationError: `unsupported_item` for items that only one SDK has.
    """
    kind = item.need("type").text()
    convert = _CONVERTERS.get(kind)
    if convert is None:
        item.fail(
            "unsupported_item",
            f"The run holds an item of type {kind!r}, which cannot be carried over. "
            "Resume in the language that saved it",
        )
    return convert(item)


def agent_name(reference: At) -> str:
    """The name in a reference to an agent.

    Raises:
        StateTranslationError: `duplicate_agent` when the name alone does not say which agent is meant.
    """
    reference.object("name", "identity")
    name = reference.need("name").text()
    if reference.get("identity") is not None:
        reference.fail(
            "duplicate_agent",
            f"Several agents are called {name!r}, and the languages number them differently. "
            "Give each agent its own name",
        )
    return name


def lookup_key(item: At, tool_name: str) -> LookupKey:
    """The tool that a call means, from the key the TypeScript SDK resolved it to."""
    state_key = item.get("functionToolStateKey")
    if state_key is None:
        return {"kind": "bare", "name": tool_name}
    return parse_state_key(state_key)


def parse_state_key(state_key: At) -> LookupKey:
    """A TypeScript tool key such as `["bare","get_weather"]`, in the form of the Python SDK."""
    return lookup_key_of_text(state_key, state_key.text())


def lookup_key_of_text(at: At, text: str) -> LookupKey:
    """As `parse_state_key`, for a key that stands where `at` does."""
    try:
        parts = json.loads(text)
    except ValueError:
        parts = None
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        at.malformed("the key of a tool")
    match parts:
        case ["bare", name]:
            return {"kind": "bare", "name": name}
        case ["namespaced", namespace, name]:
            return {"kind": "namespaced", "namespace": namespace, "name": name}
        case _:
            at.fail("unsupported_call", f"A tool with the key {text} cannot be carried over")


def _message(item: At) -> JsonObject:
    item.object("type", "rawItem", "agent")
    return _plain(item, "message_output_item")


def _reasoning(item: At) -> JsonObject:
    item.object("type", "rawItem", "agent")
    return _plain(item, "reasoning_item")


def _compaction(item: At) -> JsonObject:
    item.object("type", "rawItem", "agent")
    return _plain(item, "compaction_item")


def _handoff_call(item: At) -> JsonObject:
    item.object("type", "rawItem", "agent")
    return _plain(item, "handoff_call_item")


def _plain(item: At, kind: str) -> JsonObject:
    return {
        "type": kind,
        "raw_item": to_python_item(item.need("rawItem")),
        "agent": {"name": agent_name(item.need("agent"))},
    }


_HOSTED_ITEMS = {
    "mcp_list_tools": "mcp_list_tools_item",
    "mcp_approval_request": "mcp_approval_request_item",
    "mcp_approval_response": "mcp_approval_response_item",
}


def _tool_call(item: At) -> JsonObject:
    item.object("type", "rawItem", "agent", "functionToolStateKey")
    raw = item.need("rawItem")
    if raw.need("type").value == "hosted_tool_call":
        return _plain(item, _HOSTED_ITEMS.get(hosted_kind(raw) or "", "tool_call_item"))
    translated = _plain(item, "tool_call_item")
    return {**translated, "tool_name": raw.need("name").text()}


def _tool_call_output(item: At) -> JsonObject:
    item.object("type", "rawItem", "agent", "output", "customData", "executionStatus")
    custom_data = item.get("customData")
    return {
        **_plain(item, "tool_call_output_item"),
        "output": item.object().get("output"),
        **({"custom_data": custom_data.object()} if custom_data is not None else {}),
    }


def _handoff_output(item: At) -> JsonObject:
    item.object("type", "rawItem", "sourceAgent", "targetAgent")
    source = {"name": agent_name(item.need("sourceAgent"))}
    return {
        "type": "handoff_output_item",
        "raw_item": to_python_item(item.need("rawItem")),
        "agent": source,
        "source_agent": source,
        "target_agent": {"name": agent_name(item.need("targetAgent"))},
    }


def to_python_approval(item: At) -> JsonObject:
    """What a pending approval is in Python."""
    item.object("type", "rawItem", "agent", "toolName", "functionToolStateKey")
    item.need("type").one_of("tool_approval_item")
    raw = item.need("rawItem")
    kind = raw.need("type").text()
    if kind == "hosted_tool_call":
        translated = _plain(item, "tool_approval_item")
        tool_name = item.get("toolName") or raw.need("name")
        return {**translated, "tool_name": tool_name.text()}
    if kind != "function_call":
        item.fail(
            "unsupported_call",
            f"The run waits for the approval of a {kind!r}, which cannot be carried over. "
            "Resume in the language that saved it",
        )
    tool_name = item.get("toolName") or raw.need("name")
    return {
        **_plain(item, "tool_approval_item"),
        "tool_name": tool_name.text(),
        "tool_lookup_key": lookup_key(item, raw.need("name").text()),
    }


def _input(item: At) -> JsonObject:
    item.object("type", "rawItem", "agent", "inputId")
    return {**_plain(item, "input_item"), "input_id": item.need("inputId").text()}


_CONVERTERS: dict[str, Callable[[At], JsonObject]] = {
    "message_output_item": _message,
    "reasoning_item": _reasoning,
    "compaction_item": _compaction,
    "handoff_call_item": _handoff_call,
    "handoff_output_item": _handoff_output,
    "tool_call_item": _tool_call,
    "tool_call_output_item": _tool_call_output,
    "tool_approval_item": to_python_approval,
    "input_item": _input,
}
