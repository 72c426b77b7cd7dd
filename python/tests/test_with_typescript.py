"""TypeScript's store and session, and Python's, on one database: the languages take turns, pause by pause."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from timestep import DatabaseSession, RunStateNotFoundError, RunStateStore, StateTranslationError, run_agent
from timestep.database.open_database import open_database

from .crossing import load_vector, normal_item, normal_request
from .served import REPOSITORY, deno
from .stage import Json, Stage, decide, usage_of
from .vectors.generate import input_of

SCENARIOS = [
    "approve_after_handoff",
    "always_approved_before_saving",
    "always_approved_earlier",
    "two_pending_one_decided",
    "three_pending_decided_one_by_one",
    "with_session",
    "with_session_paused_twice",
    "with_session_partly_decided",
    "with_session_and_output_guardrail",
    "nested_agent_two_pending",
    "nested_agent_and_own_call",
    "hosted_mcp_approval",
    "own_call_and_hosted_mcp",
    "nul",
]


def typescript(name: str, pauses: int, uri: str, model_calls: int = 0) -> Json:
    """Runs a scenario in TypeScript up to its next pause, or its end."""
    ended = subprocess.run(
        [deno(), "run", "-A", "tests/vectors/store.ts", name, str(pauses), uri],
        cwd=REPOSITORY,
        env={**os.environ, "MODEL_CALLS": str(model_calls)},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    outcome: Json = json.loads(ended.stdout)
    return outcome


async def python(name: str, pauses: int, uri: str, model_calls: int = 0) -> Json:
    """The same in Python."""
    scenario = load_vector(name)["scenario"]
    stage = Stage(scenario, model_calls)
    session = DatabaseSession("shared", connection_string=uri) if "session" in scenario else None
    async with RunStateStore(agent=stage.agent, session_id="shared", connection_string=uri) as store:
        start: Any = input_of(scenario)
        if pauses > 0:
            start = await store.load()
            decide(start, scenario["pauses"][pauses - 1].get("after"))
        elif session is not None:
            await session.add_items([{"role": "user", "content": text} for text in scenario["session"]])
        result = await run_agent(stage.agent, start, session)
        if result.interruptions:
            state = result.to_state()
            decide(state, scenario["pauses"][pauses].get("before"))
            await store.save(state)
        else:
            with pytest.raises(RunStateNotFoundError):
                await store.load()
    items = await session.get_items() if session is not None else None
    if session is not None:
        await session.close()
    return {
        "executed": [list(call) for call in stage.executed],
        "requests": stage.requests,
        "modelCalls": stage.model_calls,
        "finalOutput": result.final_output,
        "usage": usage_of(result.context_wrapper.usage),
        "session": items,
    }


async def test_a_file_of_one_language_is_opened_by_the_other(tmp_path: Path) -> None:
    name = "three_pending_decided_one_by_one"
    vector = load_vector(name)
    scenario, path = vector["scenario"], tmp_path / "state.json"
    stage = Stage(scenario)
    async with RunStateStore(str(path), stage.agent) as store:
        await store.save(await run_agent(stage.agent, input_of(scenario)))
    later = typescript(name, 1, f"file:{path}", stage.model_calls)
    assert later["losses"] == ["generated_prompt_cache_key"]
    async with RunStateStore(str(path), stage.agent) as store:
        state = await store.load()
        decide(state, scenario["pauses"][1]["after"])
        await store.save(await run_agent(stage.agent, state))
    last = typescript(name, 3, f"file:{path}", stage.model_calls)
    assert last["finalOutput"] == vector["finalOutput"]
    executed = [*later["executed"], *map(list, stage.executed), *last["executed"]]
    assert executed == vector["trail"]["executed"]


@pytest.mark.parametrize("first", ["typescript", "python"])
@pytest.mark.parametrize("name", SCENARIOS)
async def test_the_languages_take_turns(name: str, first: str, database_uri: str) -> None:
    vector = load_vector(name)
    outcome: Json = {"modelCalls": 0}
    executed: list[Any] = []
    requests: list[Json] = []
    for pauses in range(len(vector["scenario"]["pauses"]) + 1):
        is_typescript = (pauses % 2 == 0) == (first == "typescript")
        calls = outcome["modelCalls"]
        outcome = (
            typescript(name, pauses, database_uri, calls)
            if is_typescript
            else await python(name, pauses, database_uri, calls)
        )
        executed += outcome["executed"]
        requests += outcome["requests"]
    assert outcome["finalOutput"] == vector["finalOutput"]
    assert executed == vector["trail"]["executed"]
    assert outcome["usage"] == vector["usage"]
    expected = [normal_request(request) for request in vector["trail"]["requests"]]
    assert [normal_request(request) for request in requests] == expected
    if "session" in vector:
        # As Python keeps it, in which form both languages find it.
        session = DatabaseSession("shared", connection_string=database_uri)
        items: list[Any] = list(await session.get_items())
        await session.close()
        kept = load_vector(name, "python")["session"]
        assert [_bare(item) for item in items] == [_bare(item) for item in kept]


def _bare(item: Json) -> Json:
    """An item without what the languages say differently about the same thing."""
    bare = {key: value for key, value in normal_item(item).items() if key != "id"}
    if bare.get("role") == "user":
        bare.pop("type", None)
    return bare


async def rows(uri: str, statement: str) -> list[Any]:
    """What a statement gives."""
    database = open_database(uri)
    found = await database.query(statement)
    await database.close()
    return found


@pytest.mark.parametrize("name", ["nested_agent_two_pending", "nested_agent_and_own_call", "own_call_and_hosted_mcp"])
async def test_a_call_has_one_name_whoever_saves_it(name: str, database_uri: str) -> None:
    statement = """
      select interruption_id, kind, agent_name, tool_name, call_id, arguments, status from timestep.interruptions
      order by interruption_id
    """
    typescript(name, 0, database_uri)
    by_typescript = await rows(database_uri, statement)
    async with RunStateStore(
        agent=Stage(load_vector(name)["scenario"]).agent, session_id="shared", connection_string=database_uri
    ) as store:
        await store.save(await store.load())
    assert await rows(database_uri, statement) == by_typescript
    assert len(by_typescript) == 2


async def test_what_is_refused_stays_as_it_was(database_uri: str) -> None:
    statement = """
      select s.*, r.status, (select count(*) from timestep.run_states) from timestep.run_states s
      join timestep.runs r using (run_id)
    """
    name = "handoff_beside_an_approval"
    typescript(name, 0, database_uri)
    saved = await rows(database_uri, statement)
    stage = Stage(load_vector(name)["scenario"])
    async with RunStateStore(agent=stage.agent, session_id="shared", connection_string=database_uri) as store:
        for _ in range(2):
            with pytest.raises(StateTranslationError) as raised:
                await store.load()
            assert raised.value.code == "handoff_pending"
    assert await rows(database_uri, statement) == saved
    assert not stage.requests
    ended = typescript(name, 1, database_uri, 1)
    assert ended["finalOutput"] == load_vector(name)["finalOutput"]


async def test_what_typescript_refuses_stays_as_it_was(database_uri: str) -> None:
    name = "handoff_beside_an_approval"
    begun = await python(name, 0, database_uri)
    saved = await rows(database_uri, "select * from timestep.run_states")
    with pytest.raises(AssertionError, match="handoff_pending"):
        typescript(name, 1, database_uri, begun["modelCalls"])
    assert await rows(database_uri, "select * from timestep.run_states") == saved
    ended = await python(name, 1, database_uri, begun["modelCalls"])
    assert ended["finalOutput"] == load_vector(name)["finalOutput"]
