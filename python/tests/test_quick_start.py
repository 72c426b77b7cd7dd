"""The project's first documents and the README, word for word, against a stand-in for OpenAI's API."""

from __future__ import annotations

import ast
import contextlib
import inspect
import json
import re
import shutil
import subprocess
import types
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import timestep

REPOSITORY = Path(__file__).resolve().parents[2]
SEEDS = Path(__file__).parent / "seeds"


@contextlib.contextmanager
def stand_in() -> Iterator[str]:
    """The base URL of the stand-in."""
    deno = shutil.which("deno")
    if deno is None:
        pytest.skip("there is no deno on this machine, which runs the stand-in for OpenAI's API")
    process = subprocess.Popen(
        [deno, "run", "-A", "tests/openai_stand_in/main.ts", "--port", "0"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@pytest.fixture
def openai(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The stand-in, where the client finds it."""
    with stand_in() as url:
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        # The SDK keeps its connections for good, and each test has an event loop of its own.
        monkeypatch.setattr("agents.models.openai_provider._http_client", None)
        yield url


async def run_program(text: str, before: dict[str, Any] | None = None) -> dict[str, Any]:
    """Runs a program that waits at its top level, and gives its names."""
    names: dict[str, Any] = {**(before or {})}
    code = compile(text, "seed", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    outcome = types.FunctionType(code, names)()
    if inspect.iscoroutine(outcome):
        await outcome
    return names


def model_calls(url: str) -> list[Any]:
    """The requests to the model that were answered well."""
    with urllib.request.urlopen(url.removesuffix("/v1") + "/stand-in/requests") as response:
        requests = json.load(response)
    assert [request for request in requests if request["status"] >= 400] == []
    return [request["body"] for request in requests if request["path"] == "/v1/responses"]


async def test_the_quick_start_runs_as_it_is(openai: str, database_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PG_CONNECTION_URI", database_uri)
    executed: list[str] = []
    text = (SEEDS / "quick_start.txt").read_text()
    watched = text.replace(
        '    """Get weather information for a city."""',
        '    """Get weather information for a city."""\n    executed.append(city)',
    )
    names = await run_program(watched, {"executed": executed})
    assert names["result"].final_output == "The weather in Berkeley is sunny and 72°F"
    assert executed == ["Oakland", "Berkeley"]
    assert len(model_calls(openai)) == 1 + 3 + 3
    with pytest.raises(timestep.RunStateNotFoundError):
        await names["state_store"].load()
    await names["state_store"].close()


async def test_a_state_is_saved_to_a_file_as_in_the_second_document(
    openai: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    quick_start = (SEEDS / "quick_start.txt").read_text().split("# Initialize session and state store")[0]
    names = await run_program(quick_start)
    program = (SEEDS / "file.txt").read_text()
    # Neither the protocol of sessions can be made an object of, nor does the document say what is asked.
    program = program.replace("session = Session()", "session = OpenAIConversationsSession()")
    program = program.replace('agent = Agent(model="gpt-4")', "agent = assistant")
    names["input_items"] = "What's the weather in Berkeley?"
    names = await run_program(program, names)
    assert names["result"].interruptions
    async with timestep.RunStateStore("agent_state.json", names["assistant"]) as store:
        state = await store.load()
        state.approve(state.get_interruptions()[0])
        result = await timestep.run_agent(names["assistant"], state, names["session"])
    assert result.final_output == "The weather in Berkeley is sunny and 72°F"


async def test_the_programs_of_the_readme_run_as_they_are(
    openai: str, uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    readme = (REPOSITORY / "python" / "README.md").read_text()
    programs = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert len(programs) == 3
    for program in programs[:2]:
        assert program.endswith("asyncio.run(main())\n")
        await run_program(program.replace("asyncio.run(main())", "await main()"))
    assert capsys.readouterr().out.splitlines() == [
        "The weather in Berkeley is sunny and 72°F",
        "interrupted",
        "The weather in Berkeley is sunny and 72°F",
        "2+2 equals 4.",
    ]
    # The third waits for work.
    compile(programs[2], "README.md", "exec")
    assert len(model_calls(openai)) == 2 + 2 + 1
