"""The answer of the model that a paused run is in the middle of."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from ._json import At, JsonObject, parse_inside
from ._raw_items import to_python_item
from ._run_items import to_python_run_item
from .agent_graph import AgentGraph

_OTHER_ACTIONS = ("computerActions", "shellActions", "applyPatchActions")


@dataclass
class Response:
    """What is left to do with the model's last answer."""

    processed: JsonObject
    """The `last_processed_response` of a Python snapshot, without its interruptions."""
    new_items: list[JsonObject]
    pending: set[str]
    """Ids of the calls in which a nested run waits."""
    start: int = 0
    """The index of its first item among the items of the run."""


def to_python_response(
    root: At, graph: AgentGraph, current_agent: str, translate_nested: Callable[[At, AgentGraph], JsonObject]
) -> Response:
    """Translates the answer that is being processed.

    Args:
        root: The saved state.
        graph: The agents that will go on with the run.
        current_agent: The one whose turn it is.
        translate_nested: Translates the state of a run inside a tool.

    Raises:
        StateTranslationError: `unsupported_call`, `handoff_pending`, `tool_not_found`, `local_mcp_call`.
    """
    saved = root.need("lastProcessedResponse")
    saved.object(
        "newItems",
        "toolsUsed",
        "handoffs",
        "functions",
        "functionToolsNotFound",
        "mcpApprovalRequests",
        *_OTHER_ACTIONS,
    )
    _refuse_other_actions(saved)
    new_items = [to_python_run_item(item) for item in saved.need("newItems").list()]
    new_items = [item for item in new_items if item["type"] != "tool_approval_item"]
    nested = _NestedRuns(root, translate_nested)
    functions = [_function(run, graph, current_agent, nested) for run in saved.need("functions").list()]
    nested.refuse_unused()
    requests = saved.get("mcpApprovalRequests")
    return Response(
        processed={
            "new_items": new_items,
            "tools_used": [name.text() for name in saved.need("toolsUsed").list()],
            "functions": functions,
            "computer_actions": [],
            "custom_tool_actions": [],
            "local_shell_actions": [],
            "shell_actions": [],
            "apply_patch_actions": [],
            "handoffs": [],
            "mcp_approval_requests": [
                _mcp_request(request, graph, current_agent)
                for request in (requests.list() if requests is not None else ())
            ],
            "mcp_tool_bindings": {},
        },
        new_items=new_items,
        pending=nested.call_ids,
    )


def _refuse_other_actions(saved: At) -> None:
    for name in _OTHER_ACTIONS:
        actions = saved.get(name)
        if actions is not None and actions.list():
            actions.fail(
                "unsupported_call",
                "The model called a tool that only one of the SDKs has. Resume in the language that saved it",
            )
    handoffs = saved.need("handoffs")
    if handoffs.list():
        handoffs.fail(
            "handoff_pending",
            "The model asked for a handoff beside a call that waits for approval. Resume in the language that saved it",
        )
    missing = saved.get("functionToolsNotFound")
    if missing is not None and missing.list():
        missing.fail("tool_not_found", "The model called a tool that there was not when the run was saved")


class _NestedRuns:
    """The paused runs of agents that are used as tools."""

    def __init__(self, root: At, translate: Callable[[At, AgentGraph], JsonObject]) -> None:
        runs = root.get("pendingAgentToolRuns")
        self._runs = dict(runs.entries()) if runs is not None else {}
        self._translate = translate
        self.call_ids: set[str] = set()

    def take(self, graph: AgentGraph | None, tool_name: str, call_id: str) -> JsonObject | None:
        """The translated state of the run inside a call, if it has one."""
        key = f"{json.dumps(['bare', tool_name], separators=(',', ':'), ensure_ascii=False)}:{call_id}"
        run = self._runs.pop(key, None)
        if run is None:
            return None
        self.call_ids.add(call_id)
        if graph is None:
            run.fail(
                "tool_not_found",
                f"The run is paused inside the agent that was the tool {tool_name!r}, which is not an agent here",
            )
        return self._translate(parse_inside(run), graph)

    def refuse_unused(self) -> None:
        """A nested run that belongs to no call would be lost."""
        for run in self._runs.values():
            run.malformed("the call that the nested run belongs to")


def _function(run: At, graph: AgentGraph, current_agent: str, nested: _NestedRuns) -> JsonObject:
    run.object("toolCall", "tool", "mcpToolBinding")
    binding = run.get("mcpToolBinding")
    if binding is not None:
        run.fail(
            "local_mcp_call",
            "The model called a tool of a local MCP server, which is bound to the process that it runs in. "
            "Resume in the language that saved it",
        )
    call = to_python_item(run.need("toolCall"))
    name = run.need("tool").need("name").text()
    namespace = call.get("namespace")
    owner = graph.find(current_agent)
    if owner is None or name not in owner.tools:
        known = ", ".join(repr(tool) for tool in owner.tools) if owner is not None else "none"
        run.fail(
            "tool_not_found",
            f"The run needs the tool {name!r} of the agent {current_agent!r}, which has only: {known}",
        )
    lookup: JsonObject = (
        {"kind": "bare", "name": name}
        if namespace is None
        else {"kind": "namespaced", "namespace": namespace, "name": name}
    )
    state = nested.take(graph.inside(current_agent, name), name, str(call["call_id"]))
    return {
        "tool_call": call,
        "tool": {"name": name, "lookupKey": lookup},
        **({"agent_run_state": state} if state is not None else {}),
    }


def _mcp_request(request: At, graph: AgentGraph, current_agent: str) -> JsonObject:
    request.object("requestItem", "mcpTool")
    raw = to_python_item(request.need("requestItem").need("rawItem"))
    label = request.need("mcpTool").need("providerData").need("server_label").text()
    if raw.get("server_label") != label:
        request.malformed("a request to the server that was asked")
    owner = graph.find(current_agent)
    if owner is None or "hosted_mcp" not in owner.tools:
        request.fail(
            "tool_not_found",
            f"The run needs the hosted MCP server {label!r} of the agent {current_agent!r}, which has none",
        )
    return {
        "request_item": {"raw_item": raw},
        "mcp_tool": {"name": "hosted_mcp", "tool_config": {"type": "mcp", "server_label": label}},
    }
