"""The private parts of the Agents SDK that this package needs, all in one place.

The digests by which the SDK recognises a call are not public, and a snapshot without them is trusted less.
`tests/test_sdk_contract.py` holds this file to what the SDK writes itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agents import Agent, FunctionTool, RunState, ToolApprovalItem
from agents._run_state_agent_identity import _iter_agent_graph
from agents._tool_identity import (
    FunctionToolLookupKey,
    get_hosted_mcp_approval_request_identity,
    get_tool_approval_item_call_id,
)
from agents._tool_invocation import tool_invocation_approval_scope, tool_invocation_identity_and_scope
from agents.run_state import CURRENT_SCHEMA_VERSION as CURRENT_SCHEMA_VERSION

from ._json import JsonObject


def call_record(call: JsonObject, *, tool: JsonObject | None, is_handoff: bool) -> JsonObject | None:
    """The ledger's record of a call, neither executed nor completed; None when it has no identity.

    Args:
        call: The call as it went over the wire.
        tool: Which function tool it means, for a function call.
        is_handoff: Whether it hands the run to another agent.
    """
    identity = tool_invocation_identity_and_scope(
        call,
        tool_lookup_key=_key(tool) if tool is not None else None,
        invocation_role="handoff" if is_handoff else None,
    )
    if identity is None:
        return None
    kind, _, scope, fingerprint = identity
    return {
        "type": kind,
        "approval_scope": scope,
        "fingerprint": fingerprint,
        "executed": False,
        "completed": False,
    }


def function_scope(tool: JsonObject) -> str:
    """What an approval "always" of a function tool extends to, as a digest."""
    call = {"type": "function_call", "name": tool["name"]}
    return _scope(tool_invocation_approval_scope(call, tool_lookup_key=_key(tool)))


def hosted_mcp_scope(server_label: str, tool_name: str) -> str:
    """What an approval "always" of a hosted MCP tool extends to, as a digest."""
    request = {"type": "mcp_approval_request", "name": tool_name, "server_label": server_label}
    return _scope(tool_invocation_approval_scope(request))


def _scope(found: tuple[str, str] | None) -> str:
    if found is None:
        raise RuntimeError("The installed openai-agents no longer gives a scope to approvals")
    return found[1]


def _key(tool: Mapping[str, object]) -> FunctionToolLookupKey:
    name = str(tool["name"])
    if "namespace" in tool:
        return ("namespaced", str(tool["namespace"]), name)
    return ("bare", name)


def iterate_agents(agent: Agent[Any]) -> Iterator[Agent[Any]]:
    """All agents that a run can reach, the nearest first: those among which the SDK looks up names."""
    return _iter_agent_graph(agent)


def agent_tools(agent: Agent[Any]) -> list[tuple[str, str]]:
    """The tools of an agent that are agents themselves, each with that agent's name."""
    return [
        (tool.name, tool._agent_instance.name)
        for tool in agent.tools
        if isinstance(tool, FunctionTool) and isinstance(tool._agent_instance, Agent)
    ]


@dataclass(frozen=True)
class Decision:
    """What was decided about a call."""

    is_approved: bool | None
    """None while nobody has decided."""
    is_always: bool = False
    """Whether it goes for every later call of the tool in the run."""
    message: str | None = None
    """What the model is told about a rejection."""


def decision_about(state: RunState[Any], item: ToolApprovalItem) -> Decision:
    """What was decided about a call, also when it was made by an agent that is used as a tool."""
    nested = state._find_nested_approval_state(item)
    owner, pending = nested if nested is not None else (state, item)
    context = owner._context
    call_id = get_tool_approval_item_call_id(pending)
    if context is None or call_id is None:
        return Decision(None)
    name, key = pending.tool_name or "", pending.tool_lookup_key
    is_approved = context.get_approval_status(name, call_id, existing_pending=pending, tool_lookup_key=key)
    message = context.get_rejection_message(name, call_id, existing_pending=pending, tool_lookup_key=key)
    hosted = get_hosted_mcp_approval_request_identity(pending)
    record_key = (
        hosted.approval_identity
        if hosted is not None
        else context._function_approval_key(context._resolve_approval_key(pending), pending)
    )
    record = context._approvals.get(record_key) if record_key is not None else None
    sticky = (record.approved if is_approved else record.rejected) is True if record is not None else False
    return Decision(is_approved, sticky, message if is_approved is False else None)
