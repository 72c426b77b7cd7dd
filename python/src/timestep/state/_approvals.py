"""Decisions already taken: who may do what, in the two SDKs' snapshots."""

from __future__ import annotations

import json

from ._json import At, JsonObject
from ._run_items import lookup_key_of_text
from ._sdk import function_scope, hosted_mcp_scope
from .agent_graph import AgentGraph, require_agent


def to_python_approvals(contexts: list[At], graph: AgentGraph) -> JsonObject:
    """The approvals of TypeScript contexts, as the fields of a Python one.

    A run inside a tool shares the approvals of the run around it in TypeScript, and has its own in Python:
    it is given those of both, as far as they are about its agents.

    Decisions stay with the agent they were taken for. Those that an older TypeScript snapshot kept by tool
    name alone hold for every agent with that tool, there and here.

    Raises:
        StateTranslationError: `unsupported_approval` for decisions about tools that only one SDK has.
    """
    functions: dict[tuple[str, str], JsonObject] = {}
    hosted: dict[tuple[str, str], JsonObject] = {}
    for context in contexts:
        _refuse_other_tools(context)
        functions |= _functions(context, graph, is_own=context is contexts[-1])
        hosted |= _hosted(context)
    return {
        "approvals": {},
        "function_tool_approvals": [
            {"agent": {"name": owner}, "tool_key": name, "decision": decision}
            for (owner, name), decision in functions.items()
        ],
        "hosted_mcp_approvals": [
            {
                "identity": {"type": "server_tool", "server_label": server_label, "tool_name": tool_name},
                "decision": decision,
            }
            for (server_label, tool_name), decision in hosted.items()
        ],
    }


def _functions(context: At, graph: AgentGraph, *, is_own: bool) -> dict[tuple[str, str], JsonObject]:
    """Decisions about function tools, by agent and tool."""
    records: dict[tuple[str, str], JsonObject] = {}
    legacy = context.get("legacyFunctionApprovals")
    for name, record in legacy.entries() if legacy is not None else ():
        for owner in graph.owners(name):
            records[owner, name] = _record(record, function_scope({"name": name}))
    by_agent = context.get("functionApprovals")
    for entry in by_agent.list() if by_agent is not None else ():
        entry.object("agentIdentity", "approvals")
        if not is_own and graph.find(entry.need("agentIdentity").text()) is None:
            continue
        owner = _owner(entry, graph)
        for key, record in entry.need("approvals").entries():
            lookup = lookup_key_of_text(record, key)
            name = ".".join(str(lookup[part]) for part in ("namespace", "name") if part in lookup)
            records[owner, name] = _record(record, function_scope(lookup))
    return records


def _owner(entry: At, graph: AgentGraph) -> str:
    identity = entry.need("agentIdentity")
    return require_agent(graph, identity, identity.text())


def _record(record: At, sticky_scope: str) -> JsonObject:
    record.object("approved", "rejected", "messages", "stickyRejectMessage")
    decision: JsonObject = {
        "approved": _decided(record.need("approved")),
        "rejected": _decided(record.need("rejected")),
    }
    messages = record.get("messages")
    if messages is not None and messages.object():
        decision["rejection_messages"] = {key: text.text() for key, text in messages.entries()}
    sticky = record.get("stickyRejectMessage")
    if sticky is not None:
        decision["sticky_rejection_message"] = sticky.text()
    if isinstance(decision["approved"], bool) or isinstance(decision["rejected"], bool):
        decision["sticky_scope"] = sticky_scope
    return decision


def _decided(value: At) -> object:
    if isinstance(value.value, bool):
        return value.value
    return [call_id.text() for call_id in value.list()]


def _refuse_other_tools(context: At) -> None:
    approvals = context.get("approvals")
    others = [] if approvals is None else [record for _, record in approvals.entries()]
    bound = context.get("approvalInvocations")
    for entry in bound.list() if bound is not None else ():
        entry.object("agentIdentity", "invocations", "approvals")
        # Those of hosted tools are kept a second time, for all agents together.
        others += [record for key, record in entry.need("approvals").entries() if _hosted_names(key) is None]
    for record in others:
        record.fail(
            "unsupported_approval",
            "Decisions were taken about tools that are not functions. Resume in the language that saved it",
        )


def _hosted(context: At) -> dict[tuple[str, str], JsonObject]:
    """Decisions about hosted MCP tools, by server and tool."""
    hosted = context.get("hostedMcpApprovals")
    found: dict[tuple[str, str], JsonObject] = {}
    for key, record in hosted.entries() if hosted is not None else ():
        names = _hosted_names(key)
        if names is None:
            record.fail("unsupported_approval", f"A decision about a hosted tool has an unknown key, {key!r}")
        found[names] = _record(record, hosted_mcp_scope(*names))
    return found


def _hosted_names(key: str) -> tuple[str, str] | None:
    """The server and the tool in a key such as `["hosted_mcp","files","delete_file"]`."""
    try:
        parts = json.loads(key)
    except ValueError:
        return None
    match parts:
        case ["hosted_mcp", str(server_label), str(tool_name)]:
            return server_label, tool_name
        case _:
            return None
