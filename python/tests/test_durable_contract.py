"""What durable runs rely on of the inside of the Agents SDK and of DBOS."""

from __future__ import annotations

import inspect
from importlib.metadata import version
from typing import Any

import pytest
from agents import Agent, FunctionTool, Model, RunConfig, Runner, function_tool, handoff, run_state
from agents.agent import AgentBase
from agents.guardrail import InputGuardrail, OutputGuardrail
from agents.run import AgentRunner
from agents.run_internal import guardrails, run_loop, tool_execution, turn_preparation, turn_resolution
from agents.testing import ScriptedModel, assistant_message, function_call
from agents.tool import _invoke_function_tool_with_metadata
from agents.tool_guardrails import ToolInputGuardrail, ToolOutputGuardrail
from dbos._core import execute_dequeued_workflow
from dbos._event_loop import BackgroundEventLoop
from dbos._migration import get_dbos_migrations
from dbos._sys_db import SystemDatabase

from timestep.durable.instrument import instrument_sdk

OWN_DBOS_MIGRATIONS = 123
"""How many migrations the TypeScript module's version of DBOS has: each side must find its tables as it wants them."""


MODEL_PARAMETERS = [
    "self",
    "system_instructions",
    "input",
    "model_settings",
    "tools",
    "output_schema",
    "handoffs",
    "tracing",
    "previous_response_id",
    "conversation_id",
    "prompt",
]
"""What a model is asked is read by name, or by place."""


def _names(function: Any) -> set[str]:
    """The names of globals and attributes that a function's code looks up, inner functions included."""
    code = inspect.unwrap(function).__code__
    names = set(code.co_names)
    for constant in code.co_consts:
        if inspect.iscode(constant):
            names |= set(constant.co_names)
    return names


def test_the_loop_looks_up_what_is_replaced() -> None:
    for function in (run_loop.get_new_response, run_loop.run_single_turn_streamed):
        assert "get_model" in _names(function)
        assert "get_all_tools" in _names(run_loop.run_single_turn)
    for turn in (run_loop.run_single_turn, run_loop.run_single_turn_streamed):
        assert "get_handoffs" in _names(turn)
    for loop in (AgentRunner._run_impl, run_loop.start_streaming):
        assert "resolve_interrupted_turn" in _names(loop)
    assert {"get_handoffs", "get_all_tools"} <= _names(turn_resolution.resolve_interrupted_turn)
    assert "_deserialize_processed_response" in _names(run_state._build_run_state_from_json)
    executor = tool_execution._FunctionToolBatchExecutor
    assert "resolve_enabled_function_tools" in _names(executor.execute)
    assert "_invoke_function_tool_with_metadata" in _names(executor._invoke_tool_and_run_post_invoke)
    assert "get_all_tools" in _names(turn_preparation.get_all_tools)
    assert "run" in _names(guardrails.run_single_input_guardrail) & _names(guardrails.run_single_output_guardrail)


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (turn_preparation.get_model, ["agent", "run_config"]),
        (turn_preparation.get_handoffs, ["agent", "context_wrapper"]),
        (tool_execution.resolve_enabled_function_tools, ["agent", "context_wrapper"]),
        (Model.get_response, MODEL_PARAMETERS),
        (Model.stream_response, MODEL_PARAMETERS),
        (_invoke_function_tool_with_metadata, ["function_tool", "context", "arguments"]),
        (AgentBase.get_all_tools, ["self", "run_context"]),
        (InputGuardrail.run, ["self", "agent", "input", "context"]),
        (OutputGuardrail.run, ["self", "context", "agent", "agent_output"]),
        (ToolInputGuardrail.run, ["self", "data"]),
        (ToolOutputGuardrail.run, ["self", "data"]),
        (execute_dequeued_workflow, ["dbos", "status", "owner_xid"]),
        (SystemDatabase.get_workflow_statuses, ["self", "workflow_ids"]),
        (BackgroundEventLoop.set_main_loop, ["self"]),
    ],
)
def test_what_is_replaced_or_called_takes_what_it_took(function: Any, parameters: list[str]) -> None:
    assert list(inspect.signature(inspect.unwrap(function)).parameters) == parameters


def test_tools_and_handoffs_say_what_they_lead_to() -> None:
    @function_tool
    async def plain() -> str:
        "Is plain."
        return ""

    agent = Agent[Any](name="A")
    tool = agent.as_tool("ask", "Asks.")
    assert isinstance(tool, FunctionTool)
    assert (tool._is_agent_tool, plain._is_agent_tool) == (True, False)
    assert (tool._agent_instance, plain._output_type_adapter) == (agent, None)
    target = handoff(agent)
    assert target._agent_ref is not None
    assert target._agent_ref() is agent


async def test_outside_of_a_durable_run_everything_is_as_it_was() -> None:
    instrument_sdk()
    instrument_sdk()

    @function_tool
    async def hello(name: str) -> str:
        "Greets."
        return f"Hello {name}."

    call = function_call("hello", {"name": "you"}, call_id="1")
    agent = Agent[Any](name="A", model=ScriptedModel([[call], [assistant_message("Done.")]]), tools=[hello])
    result = await Runner.run(agent, "Hi", run_config=RunConfig(tracing_disabled=True))
    assert result.final_output == "Done."
    assert [item.output for item in result.new_items if item.type == "tool_call_output_item"] == ["Hello you."]


def test_dbos_is_the_version_that_shares_its_tables_with_typescript() -> None:
    assert version("dbos") == "3.3.0"
    assert len(get_dbos_migrations("dbos", False, False)) == OWN_DBOS_MIGRATIONS
