"""run_agent and consume_result."""

from __future__ import annotations

from typing import Any

import pytest
from agents import (
    Agent,
    GuardrailFunctionOutput,
    InputGuardrail,
    InputGuardrailTripwireTriggered,
    MaxTurnsExceeded,
    Model,
    ModelProvider,
    RunResult,
    RunResultStreaming,
)

from timestep import consume_result, default_result_processor, run_agent
from timestep.run.run_agent import AnyResult

from .stage import MemorySession, Stage, load_scenarios


def stage() -> Stage:
    """A run that pauses once."""
    return Stage(next(found for found in load_scenarios() if found["name"] == "approve"))


async def test_a_run_pauses_and_goes_on() -> None:
    told, session = stage(), MemorySession([])
    result = await run_agent(told.agent, "Weather?", session)
    assert isinstance(result, RunResult)
    state = result.to_state()
    state.approve(state.get_interruptions()[0])
    assert (await run_agent(told.agent, state, session, False)).final_output == "Sunny."
    assert len(session.items) == 4


class Streamed(Model):
    """Streams nothing but an end."""

    async def get_response(self, *arguments: Any, **options: Any) -> Any:
        raise AssertionError("the run should stream")

    async def stream_response(self, *arguments: Any, **options: Any) -> Any:
        from openai.types.responses import Response, ResponseCompletedEvent

        message = {
            "type": "message",
            "id": "m",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Hi.", "annotations": []}],
        }
        response = Response.model_validate(
            {
                "id": "r",
                "object": "response",
                "created_at": 0,
                "model": "m",
                "output": [message],
                "parallel_tool_calls": True,
                "tool_choice": "auto",
                "tools": [],
            }
        )
        yield ResponseCompletedEvent(type="response.completed", response=response, sequence_number=0)


async def test_a_stream_is_drained_unless_it_is_wanted() -> None:
    agent = Agent(name="A", model=Streamed())
    result = await run_agent(agent, "Hello", None, True)
    assert isinstance(result, RunResultStreaming)
    assert result.is_complete
    assert result.final_output == "Hi."
    raw = await run_agent(agent, "Hello", stream=True, result_processor=None)
    assert isinstance(raw, RunResultStreaming)
    assert not raw.is_complete
    assert (await consume_result(raw)).final_output == "Hi."
    assert (await consume_result(raw)) is raw


async def test_a_processor_gives_what_the_caller_gets() -> None:
    async def shout(result: AnyResult) -> str:
        return str((await default_result_processor(result)).final_output).upper()

    assert await run_agent(Agent(name="A", model=Streamed()), "Hello", None, True, shout) == "HI."


@pytest.mark.parametrize("stream", [False, True])
async def test_errors_of_the_sdk_keep_their_class(stream: bool) -> None:
    async def trip(_context: object, _agent: object, _input: object) -> GuardrailFunctionOutput:
        return GuardrailFunctionOutput(output_info=None, tripwire_triggered=True)

    agent = Agent(name="A", model=Streamed(), input_guardrails=[InputGuardrail(trip)])
    with pytest.raises(InputGuardrailTripwireTriggered):
        await run_agent(agent, "Hello", None, stream)


async def test_too_many_turns_are_an_error_of_the_sdk() -> None:
    told = stage()
    told.scenario["tools"][0]["needsApproval"] = False
    told.scenario["script"] = [told.scenario["script"][0]] * 20
    with pytest.raises(MaxTurnsExceeded):
        await run_agent(Stage(told.scenario).agent, "Weather?")


async def test_the_model_provider_is_asked_for_names() -> None:
    class Provider(ModelProvider):
        def get_model(self, model_name: str | None) -> Model:
            assert model_name == "mine/model"
            return Streamed()

    result = await run_agent(Agent(name="A", model="mine/model"), "Hello", None, True, model_provider=Provider())
    assert result.final_output == "Hi."
