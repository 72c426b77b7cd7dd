"""Numbers that JSON has no form for, wherever they are written."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from agents import Agent, Runner, function_tool
from agents.testing import ScriptedModel, assistant_message, function_call
from openai.types.responses import ResponseOutputMessage, ResponseOutputText
from openai.types.responses.response_output_text import Logprob

from timestep import ContextNotSerializableError, DatabaseSession, Decision, RunStateStore, decide, run_agent_workflow
from timestep.state._json_text import has_nan, json_text

from .durable import execute_again, query, scripted_agent


@function_tool(needs_approval=True)
async def pay() -> str:
    "Pays."
    return "paid"


def _sure(text: str, logprob: float = -math.inf) -> ResponseOutputMessage:
    """A message with a token of which the model says that it cannot be."""
    message = assistant_message(text)
    assert isinstance(message, ResponseOutputMessage)
    part = message.content[0]
    assert isinstance(part, ResponseOutputText)
    part.logprobs = [Logprob(token="a", bytes=[97], logprob=logprob, top_logprobs=[])]
    return message


def test_json_text_is_json_and_leaves_texts_alone() -> None:
    value = {"a": [math.inf, -math.inf, math.nan], "b": ['"NaN', "\\", 'Infinity\\"-Infinity', "NaN"], "NaN": 1.5}

    def refuse(constant: str) -> float:
        raise AssertionError(constant)

    back = json.loads(json_text(value), parse_constant=refuse)
    assert back == {**value, "a": [math.inf, -math.inf, None]}
    assert [has_nan(json.dumps(one)) for one in (math.nan, [1, math.nan], "NaN", '"NaN', [])] == [
        True,
        True,
        False,
        False,
        False,
    ]


async def test_a_durable_run_keeps_infinite_numbers(uri: str) -> None:
    agent = scripted_agent([_sure("Hm."), function_call("pay", {}, call_id="1")], [_sure("Done.")], tools=[pay])
    async with DatabaseSession("s") as session:
        options: dict[str, Any] = {"session": session, "workflow_id": "run", "stream": True}
        assert (await run_agent_workflow(agent, "Pay", **options)).status == "interrupted"
        await decide(run_id="run", decisions=[Decision("1", approve=True)])
        for _ in range(2):
            result = await run_agent_workflow(agent, "Pay", **options)
            assert (result.status, result.final_output, result.error) == ("completed", "Done.", None)
            await execute_again(uri, "run")
        items: list[Any] = await session.get_items()
    said = [item["content"][0]["logprobs"] for item in items if item.get("role") == "assistant"]
    assert [logprobs[0]["logprob"] for logprobs in said] == [-math.inf, -math.inf]
    recorded = await query(uri, "select output::text from timestep.journal where kind = 'model'")
    assert ["-1e999" in str(text) for (text,) in recorded] == [True, True]


async def test_a_durable_run_takes_what_is_not_a_number_as_null(uri: str) -> None:
    @function_tool
    async def scale(by: float = math.nan) -> str:
        "Scales."
        return str(by)

    script = [[_sure("Hm.", math.nan), function_call("scale", {}, call_id="1")], [assistant_message("Done.")]]
    agent = scripted_agent(*script, tools=[scale])
    for _ in range(2):
        result = await run_agent_workflow(agent, "Scale", workflow_id="run")
        assert (result.status, result.final_output, result.error) == ("completed", "Done.", None)
        await execute_again(uri, "run")
    # The SDK would not take null in its place in a saved state.
    pausing = scripted_agent([_sure("Hm.", math.nan), function_call("pay", {}, call_id="1")], name="B", tools=[pay])
    failed = await run_agent_workflow(pausing, "Pay", workflow_id="pausing")
    assert failed.error is not None
    assert "NaN" in str(failed.error["message"])
    assert await query(uri, "select 1 from timestep.journal where run_id = 'pausing' and kind = 'model'")
    with pytest.raises(ContextNotSerializableError, match=r"context\.x is nan"):
        await run_agent_workflow(agent, "Scale", context={"x": math.nan})


@pytest.mark.parametrize("kind", ["database", "file"])
async def test_a_saved_run_keeps_infinite_numbers(kind: str, database_uri: str, tmp_path: Path) -> None:
    model = ScriptedModel([[_sure("Hm."), function_call("pay", {}, call_id="1")], [assistant_message("Done.")]])
    agent = Agent[Any](name="A", model=model, tools=[pay])
    options: dict[str, Any] = (
        {"path": tmp_path / "state.json"} if kind == "file" else {"connection_string": database_uri}
    )
    async with RunStateStore(agent=agent, **options) as store:
        result = await Runner.run(agent, "Pay")
        await store.save(result)
        state = await store.load()
        assert state._model_responses[0].output[0] == _sure("Hm.")
        state._model_responses[0].output[0] = _sure("Hm.", math.nan)
        with pytest.raises(ValueError, match="NaN"):
            await store.save(state)
