"""TypeScript pauses, Python goes on: what the run does is what it would have done without crossing."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from timestep import StateTranslationError
from timestep.state.load import load_python_state

from .crossing import MATRIX, REFUSED, cross, load_vector, normal_request, older_vectors, typescript_vectors, uncrossed
from .stage import MemorySession, Stage, decide

PAUSES = [
    pytest.param(name, number, id=f"{name}-{number}")
    for name in typescript_vectors() + older_vectors()
    for number in range(len(load_vector(name)["pauses"]))
]


@pytest.mark.parametrize(("name", "number"), PAUSES)
async def test_a_run_goes_on_in_python_as_it_would_have_in_typescript(name: str, number: int) -> None:
    vector = load_vector(name)
    MATRIX[name, number] = "wrong"
    if name in REFUSED:
        with pytest.raises(StateTranslationError) as raised:
            await cross(vector, number)
        assert raised.value.code == REFUSED[name]
        MATRIX[name, number] = f"refused ({raised.value.code})"
        return
    crossed, expected = await cross(vector, number), uncrossed(vector, number)
    crossed["executed"] = [[tool, _javascript(value)] for tool, value in crossed["executed"]]
    expected["executed"] = [[tool, _javascript(value)] for tool, value in expected["executed"]]
    assert crossed == expected
    MATRIX[name, number] = "passed"


@pytest.mark.parametrize("name", older_vectors())
async def test_a_run_that_an_older_python_sdk_saved_goes_on(name: str) -> None:
    vector = load_vector(name, "python")
    pause, decisions = vector["pauses"][-1], vector["scenario"]["pauses"][-1]
    stage = Stage(vector["scenario"], pause["modelCalls"])
    state = await load_python_state(stage.agent, json.dumps(pause["state"]))
    decide(state, decisions.get("after"))
    session = MemorySession(pause["session"]) if "session" in pause else None
    result = await stage.run(state, session)
    assert result.final_output == vector["finalOutput"]
    assert [list(call) for call in stage.executed] == vector["trail"]["executed"][pause["toolCalls"] :]
    assert [normal_request(request) for request in stage.requests] == [
        normal_request(request) for request in vector["trail"]["requests"][pause["modelCalls"] :]
    ]
    assert session is None or session.items == vector["session"]


def _javascript(value: Any) -> Any:
    """Arguments as a language reads them that has one kind of number; the text of the arguments is the same."""
    numbers = re.compile(r"(?<![\w\"])-?\d+(\.\d+)?([eE][+-]?\d+)?")
    return json.loads(numbers.sub(lambda number: repr(float(number.group())), json.dumps(value)))
