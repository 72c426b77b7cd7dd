"""TypeScript pauses, Python goes on: what the run does is what it would have done without crossing."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from .crossing import cross, load_vector, typescript_vectors, uncrossed

PAUSES = [
    pytest.param(name, number, id=f"{name}-{number}")
    for name in typescript_vectors()
    for number in range(len(load_vector(name)["pauses"]))
]


@pytest.mark.parametrize(("name", "number"), PAUSES)
async def test_a_run_goes_on_in_python_as_it_would_have_in_typescript(name: str, number: int) -> None:
    vector = load_vector(name)
    crossed, expected = await cross(vector, number), uncrossed(vector, number)
    crossed["executed"] = [[tool, _javascript(value)] for tool, value in crossed["executed"]]
    expected["executed"] = [[tool, _javascript(value)] for tool, value in expected["executed"]]
    assert crossed == expected


def _javascript(value: Any) -> Any:
    """Arguments as a language reads them that has one kind of number; the text of the arguments is the same."""
    numbers = re.compile(r"(?<![\w\"])-?\d+(\.\d+)?([eE][+-]?\d+)?")
    return json.loads(numbers.sub(lambda number: repr(float(number.group())), json.dumps(value)))
