"""What an agent offers to its model. What the model has called was enabled then: it counts, whatever is enabled now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any, cast

from agents import Agent, Handoff, RunContextWrapper
from agents.agent import AgentBase
from agents.tool import FunctionTool, Tool

from .instrument_agent import instrument_agent, instrument_servers, instrument_tools
from .model_step import recorded_function_calls
from .scope import Scope, current_frame, inside, recording_scope


def get_all_tools(original: Callable[..., Any]) -> Callable[..., Any]:
    """An agent's `get_all_tools`."""

    async def tools_of(self: AgentBase[Any], run_context: RunContextWrapper[Any]) -> list[Tool]:
        scope = recording_scope()
        if scope is None:
            return cast("list[Tool]", await original(self, run_context))
        instrument_servers(self)
        tools: list[Tool] = await original(self, run_context)
        scope.agent_name = self.name
        if isinstance(self, Agent):
            instrument_agent(self)
        missing = _called(scope) - {tool.name for tool in tools}
        tools += [tool for tool in self.tools if tool.name in missing]
        instrument_tools(scope, tools, self.name)
        return tools

    return tools_of


def get_handoffs(original: Callable[..., Any]) -> Callable[..., Any]:
    """The function by which the SDK asks for an agent's handoffs."""

    async def handoffs_of(agent: Agent[Any], context_wrapper: RunContextWrapper[Any]) -> list[Handoff]:
        handoffs: list[Handoff] = await original(agent, context_wrapper)
        scope = recording_scope()
        if scope is not None:
            missing = _called(scope) - {entry.tool_name for entry in handoffs}
            handoffs += [entry for entry in agent.handoffs if isinstance(entry, Handoff) and entry.tool_name in missing]
        return handoffs

    return handoffs_of


def resolve_enabled_function_tools(original: Callable[..., Any]) -> Callable[..., Any]:
    """The function by which the SDK asks, before it calls tools, whether they are enabled still."""

    async def enabled_tools_of(agent: Agent[Any], context_wrapper: RunContextWrapper[Any]) -> list[FunctionTool]:
        tools: list[FunctionTool] = await original(agent, context_wrapper)
        scope = recording_scope()
        if scope is not None:
            paused = _paused_calls()
            missing = (scope.replayed_calls if paused is None else paused) - {tool.name for tool in tools}
            tools += [tool for tool in agent.tools if isinstance(tool, FunctionTool) and tool.name in missing]
        return tools

    return enabled_tools_of


def deserialize_paused_response(original: Callable[..., Any]) -> Callable[..., Any]:
    """The function by which the SDK loads the response that a run was paused with."""

    async def deserialize(data: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        calls = (call for kind in ("functions", "handoffs") for call in data.get(kind, []))
        with _going_on_with(call["tool_call"]["name"] for call in calls):
            return await original(data, *args, **kwargs)

    return deserialize


def resolve_paused_turn(original: Callable[..., Any]) -> Callable[..., Any]:
    """The function by which the SDK goes on with the response that a run was paused with."""

    async def resolve(*, processed_response: Any, **kwargs: Any) -> Any:
        calls = (*processed_response.functions, *processed_response.handoffs)
        with _going_on_with(call.tool_call.name for call in calls):
            return await original(processed_response=processed_response, **kwargs)

    return resolve


def _going_on_with(calls: Iterable[str]) -> AbstractContextManager[None]:
    frame = current_frame()
    return nullcontext() if frame is None else inside(replace(frame, paused_calls=frozenset(calls)))


def _paused_calls() -> frozenset[str] | None:
    frame = current_frame()
    return None if frame is None else frame.paused_calls


def _called(scope: Scope) -> frozenset[str]:
    """The functions that the model called in the response at hand, as far as that is known before it is asked."""
    paused = _paused_calls()
    return recorded_function_calls(scope) if paused is None else paused
