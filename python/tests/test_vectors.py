"""The vectors are what the SDK that is installed writes."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from .stage import VECTORS, Json, load_scenarios
from .vectors.generate import python_vector


@pytest.mark.parametrize("scenario", load_scenarios(), ids=lambda scenario: str(scenario["name"]))
async def test_a_vector_is_what_the_sdk_writes(scenario: Json) -> None:
    if scenario.get("only") != "typescript":
        written = json.loads(json.dumps(await python_vector(scenario)))
        assert written == json.loads((VECTORS / f"{scenario['name']}.python.json").read_text())


def test_the_vectors_of_typescript_are_what_its_sdk_writes() -> None:
    deno = shutil.which("deno")
    if deno is None:
        pytest.skip("there is no deno on this machine, which runs the SDK of TypeScript")
    command = [deno, "run", "-A", "tests/vectors/typescript.ts", "--check"]
    subprocess.run(command, cwd=VECTORS.parents[1], check=True, capture_output=True)
