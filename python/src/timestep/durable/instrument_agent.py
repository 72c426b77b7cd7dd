"""What an agent has, instrumented in place: its model, its MCP servers, its approval functions, its handoffs."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from agents import (
    Agent,
    CodeInterpreterTool,
    FileSearchTool,
    FunctionTool,
    Handoff,
    HostedMCPTool,
    ImageGenerationTool,
    Model,
    ProgrammaticToolCallingTool,
    ShellTool,
    Tool,
    ToolSearchTool,
    WebSearchTool,
)
from agents.agent import AgentBase

from ..state.storable_id import storable_id
from .errors import ToolsUnavailableError, UnsupportedToolError
from .mcp_server_name import shown_server_name
from .model_request import ModelRequest
from .model_step import ModelStep
from .recorded_step import run_plain_step
from .run_error import without_secrets
from .scope import Scope, recording_scope

_MARK = "__timestep_step__"

_HOSTED = (
    CodeInterpreterTool,
    FileSearchTool,
    HostedMCPTool,
    ImageGenerationTool,
    ProgrammaticToolCallingTool,
    ToolSearchTool,
    WebSearchTool,
)
"""Tools that the provider executes: what they do is part of the model call."""


def instrument_model(model: Model, name: str | None) -> None:
    """Makes the calls of a model steps of the durable run that they are made in.

    Args:
        model: The model.
        name: What it was asked for by.
    """
    called = name or getattr(model, "model", None)
    model_name = called if isinstance(called, str) else type(model).__name__
    _replace(model, "get_response", functools.partial(_respond, model_name))
    _replace(model, "stream_response", functools.partial(_stream, model_name))


def instrument_agent(agent: Agent[Any]) -> None:
    """Makes an agent's handoffs steps of the durable run that they are made in."""
    for entry in agent.handoffs:
        # One that was not made by handoff() says only when asked where it leads.
        if isinstance(entry, Handoff) and entry._agent_ref is not None:
            _replace(entry, "on_invoke_handoff", functools.partial(_hand_off, entry))


def instrument_servers(agent: AgentBase[Any]) -> None:
    """Makes runs wait for an agent's MCP servers that cannot tell their tools."""
    for server in agent.mcp_servers:
        _replace(server, "list_tools", functools.partial(_list_tools, server.name))


def instrument_tools(scope: Scope, tools: Iterable[Tool], agent_name: str) -> None:
    """Makes what decides about approvals steps; the calls of function tools are already.

    Raises:
        UnsupportedToolError: A tool acts on this machine in ways that are not recorded.
    """
    for tool in tools:
        if isinstance(tool, FunctionTool):
            if callable(tool.needs_approval):
                _replace(tool, "needs_approval", functools.partial(_needs_approval, tool.name))
        elif isinstance(tool, HostedMCPTool):
            if tool.on_approval_request is not None:
                _replace(tool, "on_approval_request", _on_approval_request)
        elif not isinstance(tool, _HOSTED) and not _is_hosted_shell(tool):
            error = UnsupportedToolError(
                f'Cannot run agent "{agent_name}" durably: what its tool "{tool.name}" ({type(tool).__name__}) does '
                "is not recorded, and would be repeated after a crash. Make it a function tool"
            )
            scope.execution.fail(error)
            raise error


def _is_hosted_shell(tool: Tool) -> bool:
    """Whether a shell is in a container of the provider's."""
    return isinstance(tool, ShellTool) and tool.environment is not None and tool.environment["type"] != "local"


def _replace(owner: object, name: str, wrap: Callable[[Any], Any]) -> None:
    """In place, once: an object that is a copy of one that had a replacement is left alone."""
    original = getattr(owner, name)
    if hasattr(original, _MARK):
        return
    replacement = wrap(original)
    setattr(replacement, _MARK, True)
    setattr(owner, name, replacement)


def _request(args: tuple[Any, ...], kwargs: dict[str, Any]) -> ModelRequest:
    """What a model is asked, of the parameters of `Model.get_response()` and `Model.stream_response()`."""

    def given(name: str, place: int) -> Any:
        return kwargs[name] if name in kwargs else args[place]

    offered = {tool.name for tool in given("tools", 3)} | {handoff.tool_name for handoff in given("handoffs", 5)}
    asked = given("input", 1)
    return ModelRequest([asked] if isinstance(asked, str) else asked, offered)


def _respond(model_name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    async def get_response(*args: Any, **kwargs: Any) -> Any:
        scope = recording_scope()
        if scope is None:
            return await original(*args, **kwargs)
        step = ModelStep(scope, model_name, _request(args, kwargs))
        return await step.respond(lambda: original(*args, **kwargs))

    return get_response


def _stream(model_name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def stream_response(*args: Any, **kwargs: Any) -> Any:
        scope = recording_scope()
        if scope is None:
            return original(*args, **kwargs)
        step = ModelStep(scope, model_name, _request(args, kwargs))
        return step.stream(lambda: original(*args, **kwargs))

    return stream_response


def _list_tools(server_name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    async def list_tools(*args: Any, **kwargs: Any) -> Any:
        try:
            return await original(*args, **kwargs)
        except Exception as error:
            scope = recording_scope()
            # A run that has not begun fails, as it would without us; any other one would lose what it has done.
            if scope is None or not scope.execution.has_asked_model:
                raise
            shown, why = shown_server_name(server_name), without_secrets(str(error))
            unavailable = ToolsUnavailableError(
                f'Cannot go on with run "{scope.execution.owner.run_id}" now: MCP server "{shown}" '
                f"does not list its tools: {why}. The run waits for it; if the connection is closed, connect again"
            )
            scope.execution.fail(unavailable)
            raise unavailable from error

    return list_tools


def _needs_approval(name: str, original: Callable[..., Any]) -> Callable[..., Awaitable[bool]]:
    """What a user's function decides is recorded: asked again, it might decide otherwise about a call made already."""

    @functools.wraps(original)
    async def needs_approval(context: Any, arguments: Any, call_id: str) -> bool:
        async def ask() -> bool:
            answer = original(context, arguments, call_id)
            return bool(await answer if inspect.isawaitable(answer) else answer)

        scope = recording_scope()
        if scope is None:
            return await ask()
        key = f"approval:{scope.prefix}{scope.turn}:{storable_id(call_id)}"
        return await run_plain_step(scope, key, "approval", name, ask, encode=bool, decode=bool)

    return needs_approval


def _on_approval_request(original: Callable[..., Any]) -> Callable[..., Any]:
    """The user's function that decides about the calls of a hosted MCP server."""

    @functools.wraps(original)
    async def on_approval_request(request: Any) -> Any:
        async def ask() -> Any:
            answer = original(request)
            return await answer if inspect.isawaitable(answer) else answer

        scope = recording_scope()
        if scope is None:
            return await ask()
        key = f"approval:{scope.prefix}{scope.turn}:{storable_id(request.data.id)}"
        return await run_plain_step(
            scope, key, "approval", request.data.name, ask, encode=dict, decode=lambda recorded: recorded
        )

    return on_approval_request


def _hand_off(entry: Handoff[Any, Any], original: Callable[..., Any]) -> Callable[..., Any]:
    async def on_invoke_handoff(context: Any, arguments: str) -> Any:
        async def ask() -> Any:
            return await original(context, arguments)

        scope = recording_scope()
        if scope is None:
            return await ask()

        def decode(recorded: object) -> Any:
            target = entry._agent_ref() if entry._agent_ref is not None else None
            if target is None or recorded != target.name:
                raise scope.execution.diverged(
                    f'handoff "{entry.tool_name}" now leads to another agent than "{recorded}"'
                )
            return target

        key = f"handoff:{scope.prefix}{scope.turn}"
        return await run_plain_step(
            scope, key, "handoff", entry.tool_name, ask, encode=lambda agent: agent.name, decode=decode
        )

    return on_invoke_handoff
