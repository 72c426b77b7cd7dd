"""TypeScript's store and session, and Python's, on one database: one begins, the other goes on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import Any

import pytest

from timestep import DatabaseSession, RunStateNotFoundError, RunStateStore, run_agent

from .crossing import load_vector, normal_request, uncrossed
from .stage import VECTORS, Json, Stage, decide, usage_of

SCENARIOS = [
    "approve_after_handoff",
    "always_approved_before_saving",
    "two_pending_one_decided",
    "with_session",
    "with_session_paused_twice",
    "with_session_and_output_guardrail",
    "nested_agent",
    "hosted_mcp_approval",
]


def typescript(name: str, pauses: int, uri: str, model_calls: int = 0) -> Json:
    """Runs a scenario in TypeScript up to its next pause, or its end."""
    deno = shutil.which("deno")
    if deno is None:
        pytest.skip("there is no deno on this machine, which runs the TypeScript module")
    ended = subprocess.run(
        [deno, "run", "-A", "tests/vectors/store.ts", name, str(pauses), uri],
        cwd=VECTORS.parents[1],
        env={**os.environ, "MODEL_CALLS": str(model_calls)},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    outcome: Json = json.loads(ended.stdout)
    return outcome


@pytest.mark.parametrize("name", SCENARIOS)
async def test_python_goes_on_where_typescript_paused(name: str, database_uri: str) -> None:
    vector = load_vector(name)
    begun = typescript(name, 0, database_uri)
    stage = Stage(vector["scenario"], begun["modelCalls"])
    session = DatabaseSession("shared", connection_string=database_uri) if "session" in vector else None
    result: Any = None
    async with RunStateStore(agent=stage.agent, session_id="shared", connection_string=database_uri) as store:
        for pause in vector["scenario"]["pauses"]:
            if result is not None:
                await store.save(result)
            state = await store.load()
            decide(state, pause.get("after"))
            result = await run_agent(stage.agent, state, session)
        with pytest.raises(RunStateNotFoundError):
            await store.load()
    expected = uncrossed(vector, 0)
    assert result.final_output == expected["finalOutput"]
    assert [list(call) for call in stage.executed] == expected["executed"]
    assert [normal_request(request) for request in stage.requests] == expected["requests"]
    assert usage_of(result.context_wrapper.usage) == expected["usage"]
    if session is not None:
        items: list[Any] = await session.get_items()
        assert [_bare(item) for item in items] == [_bare(item) for item in expected["session"]]
        await session.close()


def _bare(item: Json) -> Json:
    """An item without what the languages say differently about the same thing."""
    bare = {key: value for key, value in item.items() if key != "id"}
    if bare.get("role") == "user":
        bare.pop("type", None)
    if isinstance(bare.get("output"), str) and bare["output"].startswith('{"assistant"'):
        bare["output"] = json.loads(bare["output"])
    return bare


THERE_AND_BACK = [
    "two_pending_one_decided",
    "three_pending_decided_one_by_one",
    "with_session_paused_twice",
    "always_approved_earlier",
]


@pytest.mark.parametrize("name", THERE_AND_BACK)
async def test_a_run_goes_there_and_back(name: str, database_uri: str) -> None:
    """TypeScript begins, and then the languages take turns, with one decision at each stop."""
    vector = load_vector(name)
    scenario = vector["scenario"]
    outcome = typescript(name, 0, database_uri)
    model_calls, executed, requests = outcome["modelCalls"], outcome["executed"], outcome["requests"]
    for number, pause in enumerate(scenario["pauses"]):
        if number % 2 == 1:
            outcome = typescript(name, number + 1, database_uri, model_calls)
            executed += outcome["executed"]
            requests += outcome["requests"]
            model_calls = outcome["modelCalls"]
            final_output, usage = outcome["finalOutput"], outcome["usage"]
            continue
        stage = Stage(scenario, model_calls)
        session = DatabaseSession("shared", connection_string=database_uri) if "session" in vector else None
        async with RunStateStore(agent=stage.agent, session_id="shared", connection_string=database_uri) as store:
            state = await store.load()
            decide(state, pause.get("after"))
            result = await run_agent(stage.agent, state, session)
            if result.interruptions:
                await store.save(result)
        if session is not None:
            await session.close()
        executed += [list(call) for call in stage.executed]
        requests += stage.requests
        model_calls = stage.model_calls
        final_output, usage = result.final_output, usage_of(result.context_wrapper.usage)
    assert final_output == vector["finalOutput"]
    assert executed == vector["trail"]["executed"]
    assert usage == vector["usage"]
    assert [normal_request(request) for request in requests] == [
        normal_request(request) for request in vector["trail"]["requests"]
    ]
