"""Makes the SDK record what it does inside of a durable run. Outside of one, everything is as it was.

What is replaced, once: the functions by which the SDK's loop gets a model and handoffs, calls a function tool and goes
on after a pause, and the methods by which an agent tells its tools, a guardrail is run and a run is begun. They look
for the run that they are part of in a context variable. Models, handoffs, approval functions and sessions are
instrumented in place, when they are come across: copies would lose what the SDK keeps about the originals.

`tests/test_durable_contract.py` holds the SDK to what is relied on here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from agents import Agent, run, run_state
from agents.agent import AgentBase
from agents.guardrail import InputGuardrail, OutputGuardrail
from agents.run import AgentRunner
from agents.run_config import RunConfig
from agents.run_internal import run_loop, tool_execution, turn_resolution
from agents.tool import FunctionTool, _FunctionToolInvocationResult
from agents.tool_context import ToolContext
from agents.tool_guardrails import ToolInputGuardrail, ToolOutputGuardrail

from ..state.storable_id import storable_id
from .durable_session import instrument_session
from .instrument_agent import instrument_model
from .instrument_guardrails import instrument_guardrails, instrument_tool_guardrails
from .instrument_offers import (
    deserialize_paused_response,
    get_all_tools,
    get_handoffs,
    resolve_enabled_function_tools,
    resolve_paused_turn,
)
from .recorded_value import decode_typed, decode_value, encode_typed, encode_value
from .scope import Frame, Scope, current_frame, inside, recording_scope
from .tool_step import ToolInvocation, ToolOutput, run_tool_step

_MARK = "__timestep_instrumented__"


def instrument_sdk() -> None:
    """Puts the replacements in place, once."""
    if hasattr(AgentBase.get_all_tools, _MARK):
        return
    _replace(run_loop, "get_model", _get_model)
    for caller in (run_loop, turn_resolution):
        _replace(caller, "get_handoffs", get_handoffs)
    _replace(run_state, "_deserialize_processed_response", deserialize_paused_response)
    for loop in (run, run_loop):
        _replace(loop, "resolve_interrupted_turn", resolve_paused_turn)
    _replace(tool_execution, "resolve_enabled_function_tools", resolve_enabled_function_tools)
    _replace(tool_execution, "_invoke_function_tool_with_metadata", _invoke_function_tool)
    _replace(AgentBase, "get_all_tools", get_all_tools)
    _replace(AgentRunner, "run", _begin_run)
    _replace(AgentRunner, "run_streamed", _begin_run)
    for guardrail in (InputGuardrail, OutputGuardrail):
        _replace(guardrail, "run", instrument_guardrails)
    for tool_guardrail in (ToolInputGuardrail, ToolOutputGuardrail):
        _replace(tool_guardrail, "run", instrument_tool_guardrails)


def _replace(owner: object, name: str, wrap: Callable[[Any], Any]) -> None:
    original = getattr(owner, name)
    replacement = functools.wraps(original)(wrap(original))
    setattr(replacement, _MARK, True)
    setattr(owner, name, replacement)


def _get_model(original: Callable[..., Any]) -> Callable[..., Any]:
    def get_model(agent: Agent[Any], run_config: RunConfig) -> Any:
        model = original(agent, run_config)
        scope = recording_scope()
        if scope is not None:
            scope.agent_name = agent.name
            instrument_model(model, agent.model if isinstance(agent.model, str) else None)
        return model

    return get_model


def _begin_run(original: Callable[..., Any]) -> Callable[..., Any]:
    def begin_run(self: AgentRunner, *args: Any, **kwargs: Any) -> Any:
        session = kwargs.get("session")
        if session is not None and recording_scope() is not None:
            instrument_session(session)
        return original(self, *args, **kwargs)

    return begin_run


def _invoke_function_tool(original: Callable[..., Any]) -> Callable[..., Any]:
    async def invoke_function_tool(
        *, function_tool: FunctionTool, context: ToolContext[Any], arguments: str
    ) -> _FunctionToolInvocationResult:
        async def call() -> _FunctionToolInvocationResult:
            result: _FunctionToolInvocationResult = await original(
                function_tool=function_tool, context=context, arguments=arguments
            )
            return result

        frame = current_frame()
        # A tool that another tool's code calls is part of that step, and nothing by itself.
        if frame is None or frame.is_in_step:
            return await call()
        scope = frame.scope
        if function_tool._is_agent_tool:
            prefix = scope.unique(f"{scope.prefix}{scope.turn}:{storable_id(context.tool_call_id)}/")
            with inside(Frame(Scope(scope.execution, prefix))):
                return await call()

        async def body() -> ToolOutput:
            result = await call()
            return ToolOutput(result.output, result.is_sdk_generated_error)

        output = await run_tool_step(scope, _invocation(function_tool, context), body)
        return _FunctionToolInvocationResult(output.value, is_sdk_generated_error=output.is_sdk_error)

    return invoke_function_tool


def _invocation(tool: FunctionTool, context: ToolContext[Any]) -> ToolInvocation:
    adapter = tool._output_type_adapter
    encode = encode_value if adapter is None else functools.partial(encode_typed, adapter)
    decode = decode_value if adapter is None else functools.partial(decode_typed, adapter)
    return ToolInvocation(tool.name, context.tool_call_id, tool.timeout_seconds, encode=encode, decode=decode)
