"""The private parts of the Agents SDK that this package needs, all in one place.

The digests by which the SDK recognises a call are not public, and a snapshot without them is trusted less.
`tests/test_sdk_contract.py` holds this file to what the SDK writes itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from agents import Agent, FunctionTool, RunState, ToolApprovalItem
from agents._run_state_agent_identity import _iter_agent_graph
from agents._tool_identity import FunctionToolLookupKey, get_tool_approval_item_call_id
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


def decision_about(state: RunState[Any], item: ToolApprovalItem) -> tuple[bool | None, str | None]:
    """Whether a call was approved, None while nobody has decided, and what a rejection says."""
    nested = state._find_nested_approval_state(item)
    owner, pending = nested if nested is not None else (state, item)
    context = owner._context
    call_id = get_tool_approval_item_call_id(pending)
    if context is None or call_id is None:
        return None, None
    tool_name = pending.tool_name or ""
    decision = context.get_approval_status(
        tool_name, call_id, existing_pending=pending, tool_lookup_key=pending.tool_lookup_key
    )
    message = context.get_rejection_message(
        tool_name, call_id, existing_pending=pending, tool_lookup_key=pending.tool_lookup_key
    )
    return decision, message
