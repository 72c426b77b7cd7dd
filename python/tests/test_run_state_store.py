"""RunStateStore: in the database and in a file, alone and against others."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from agents import (
    Agent,
    Model,
    ModelProvider,
    ModelResponse,
    RunConfig,
    Runner,
    RunResultStreaming,
    function_tool,
)
from agents.testing import ScriptedModel, assistant_message, function_call
from agents.usage import Usage

from timestep import (
    DatabaseSession,
    RunStateConflictError,
    RunStateGraphError,
    RunStateMalformedError,
    RunStateNotFoundError,
    RunStateStore,
    StateTranslationError,
    run_agent,
)

from .crossing import load_vector
from .stage import Json, Stage, load_scenarios

MakeStore = Callable[[Agent[Any]], RunStateStore]


@pytest.fixture(params=["database", "file"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> MakeStore:
    """Makes a store, always for the same run."""
    if request.param == "file":
        return lambda agent: RunStateStore(tmp_path / "state.json", agent)
    uri = request.getfixturevalue("database_uri")
    return lambda agent: RunStateStore(agent=agent, session_id="s", connection_string=uri)


def scenario(name: str) -> Json:
    """A scenario by its name."""
    return next(found for found in load_scenarios() if found["name"] == name)


async def pause(stage: Stage) -> Any:
    """A run up to its first pause."""
    result = await run_agent(stage.agent, stage.scenario["input"])
    assert result.interruptions
    return result


async def test_a_run_is_saved_by_one_store_and_finished_by_another(make_store: MakeStore) -> None:
    stage = Stage(scenario("approve"))
    async with make_store(stage.agent) as store:
        await store.save((await pause(stage)).to_state())
    async with make_store(stage.agent) as store:
        state = await store.load()
        for interruption in state.get_interruptions():
            state.approve(interruption)
        result = await run_agent(stage.agent, state)
        assert result.final_output == "Sunny."
        assert stage.executed == [("get_weather", {"city": "Berkeley"})]
        with pytest.raises(RunStateNotFoundError):
            await store.load()


async def test_save_takes_the_state_of_a_result_as_in_typescript(make_store: MakeStore) -> None:
    stage = Stage(scenario("approve"))
    result = await pause(stage)
    async with make_store(stage.agent) as store:
        await store.save(result.state)
        await store.save(result)
        assert len((await store.load()).get_interruptions()) == 1


async def test_load_says_when_there_is_nothing(make_store: MakeStore) -> None:
    async with make_store(Stage(scenario("approve")).agent) as store:
        with pytest.raises(RunStateNotFoundError, match="no paused run") as raised:
            await store.load()
        assert raised.value.code == "run_state_not_found"


async def test_one_approval_is_one_execution(make_store: MakeStore) -> None:
    stage = Stage(scenario("approve"))
    async with make_store(stage.agent) as store, make_store(stage.agent) as other:
        await store.save(await pause(stage))
        states = [await store.load(), await other.load()]
        for state in states:
            state.approve(state.get_interruptions()[0])
        outcomes = await asyncio.gather(*(run_agent(stage.agent, state) for state in states), return_exceptions=True)
        assert sum(isinstance(outcome, RunStateConflictError) for outcome in outcomes) == 1
        assert len(stage.executed) == 1


async def test_a_run_whose_process_died_is_loaded_only_when_asked_to_take_over(make_store: MakeStore) -> None:
    stage = Stage(scenario("approve"))
    async with make_store(stage.agent) as store:
        await store.save(await pause(stage))
        state = await store.load()
        state.approve(state.get_interruptions()[0])
        stage.model_calls = 99  # The next model call fails.
        with pytest.raises(AssertionError):
            await run_agent(stage.agent, state)
        with pytest.raises(RunStateConflictError, match="take_over") as raised:
            await store.load()
        assert raised.value.code == "run_state_conflict"
        stage.model_calls = 1
        taken = await store.load(take_over=True)
        taken.approve(taken.get_interruptions()[0])
        assert (await run_agent(stage.agent, taken)).final_output == "Sunny."


async def test_a_store_does_not_overwrite_a_run_it_has_not_seen(make_store: MakeStore) -> None:
    stage, other_stage = Stage(scenario("approve")), Stage(scenario("approve"))
    async with make_store(stage.agent) as store, make_store(stage.agent) as other:
        await store.save(await pause(stage))
        with pytest.raises(RunStateConflictError, match="clear"):
            await other.save(await pause(other_stage))
        await other.clear()
        with pytest.raises(RunStateNotFoundError):
            await store.load()
        await other.save(await pause(Stage(scenario("approve"))))


async def test_a_run_that_pauses_again_is_saved_again(make_store: MakeStore) -> None:
    stage = Stage(scenario("paused_twice"))
    async with make_store(stage.agent) as store:
        await store.save(await pause(stage))
        state = await store.load()
        state.approve(state.get_interruptions()[0])
        result = await run_agent(stage.agent, state)
        assert len(result.interruptions) == 1
    async with make_store(stage.agent) as store:
        await store.save(result.to_state())
        state = await store.load()
        state.approve(state.get_interruptions()[0])
        assert (await run_agent(stage.agent, state)).final_output == "Sunny in both."
    assert [call[1]["city"] for call in stage.executed] == ["Berkeley", "Berkeley", "Oakland"]


async def test_a_snapshot_of_other_agents_is_refused(make_store: MakeStore) -> None:
    stage = Stage(scenario("approve"))
    async with make_store(stage.agent) as store:
        await store.save(await pause(stage))
    stage.agent.tools = stage.agent.tools[:1]
    async with make_store(stage.agent) as store:
        with pytest.raises(RunStateGraphError, match="get_time"):
            await store.load()
        stage.agent.tools = Stage(scenario("approve")).agent.tools
        assert (await store.load()).get_interruptions()


async def test_agents_that_are_called_the_same_are_told_apart(make_store: MakeStore) -> None:
    @function_tool(needs_approval=True)
    async def pay() -> str:
        "Pays."
        return "Paid."

    script = [[function_call("pay", {}, call_id="2")], [assistant_message("Inside.")]]
    nested = Agent[Any](name="Assistant", model=ScriptedModel(script), tools=[pay])
    script = [[function_call("ask", {"input": "Pay."}, call_id="1")], [assistant_message("Done.")]]
    agent = Agent[Any](name="Assistant", model=ScriptedModel(script), tools=[nested.as_tool("ask", "Asks.")])
    async with make_store(agent) as store:
        await store.save(await run_agent(agent, "Pay."))
        state = await store.load()
        state.approve(state.get_interruptions()[0])
        assert (await run_agent(agent, state)).final_output == "Done."


async def test_a_tool_reply_with_nul_and_half_a_character_survives(make_store: MakeStore) -> None:
    told = scenario("parallel_call_already_completed")
    told["tools"][1]["output"] = "a\x00b\ud800c\u2028"
    stage = Stage(told)
    async with make_store(stage.agent) as store:
        await store.save(await pause(stage))
        state = await store.load()
        outputs = [item.output for item in state._generated_items if item.type == "tool_call_output_item"]
        assert outputs == ["a\x00b\ud800c\u2028"]


async def test_what_typescript_saved_is_translated(database_uri: str) -> None:
    vector = load_vector("approve_after_handoff")
    stage = Stage(vector["scenario"], vector["pauses"][0]["modelCalls"])
    async with RunStateStore(agent=stage.agent, session_id="s", connection_string=database_uri) as store:
        with pytest.raises(RunStateNotFoundError):
            await store.load()
        await as_typescript(database_uri, vector, stage)
        state = await store.load()
        assert store.losses
        state.approve(state.get_interruptions()[0])
        assert (await run_agent(stage.agent, state)).final_output == "Sunny."
    assert stage.executed == [("get_weather", {"city": "Berkeley"})]


async def test_what_cannot_be_carried_over_stays_as_it_was(database_uri: str) -> None:
    vector = load_vector("with_session_and_output_guardrail")
    vector["pauses"][0]["state"]["sandbox"] = {"backendId": "docker"}
    stage = Stage(vector["scenario"], 1)
    async with RunStateStore(agent=stage.agent, session_id="s", connection_string=database_uri) as store:
        await store.clear()
        await as_typescript(database_uri, vector, stage)
        before = await rows(database_uri, "select * from timestep.run_states")
        with pytest.raises(StateTranslationError) as raised:
            await store.load()
        assert raised.value.code == "sandbox"
        assert await rows(database_uri, "select * from timestep.run_states") == before


async def test_rows_say_what_the_run_waits_for_and_what_it_used(database_uri: str) -> None:
    stage = Stage(scenario("two_pending_one_decided"))
    async with RunStateStore(agent=stage.agent, connection_string=database_uri) as store:
        await store.save(await pause(stage))
        shown = (
            "select interruption_id, kind, tool_name, arguments, status, message from timestep.interruptions order by 1"
        )
        assert await rows(database_uri, shown) == [
            ("call_1", "function_call", "get_weather", '{"city":"Berkeley"}', "pending", None),
            ("call_2", "function_call", "get_weather", '{"city":"Oakland"}', "pending", None),
        ]
        state = await store.load()
        first, second = state.get_interruptions()
        state.approve(first)
        state.reject(second, rejection_message="No.")
        await run_agent(stage.agent, state)
        assert [row[4:] for row in await rows(database_uri, shown)] == [("approved", None), ("rejected", "No.")]
    assert await rows(database_uri, "select status, state_version, session_id from timestep.runs") == [
        ("completed", 1, None)
    ]
    assert await rows(database_uri, "select requests, total_tokens, cached_input_tokens from timestep.usage") == [
        (2, 240, 20)
    ]
    assert await rows(database_uri, "select final_output from timestep.runs") == [("Sunny in one.",)]


async def test_usage_counts_for_the_model_of_the_agent_that_was_asked(database_uri: str) -> None:
    usage = Usage(requests=1, input_tokens=100, output_tokens=20, total_tokens=120)
    model = ScriptedModel(
        [
            ModelResponse(
                output=[function_call("transfer_to_cashier", {}, call_id="h1")], usage=usage, response_id=None
            ),
            ModelResponse(output=[function_call("pay", {}, call_id="p1")], usage=usage, response_id=None),
            ModelResponse(output=[assistant_message("Paid.")], usage=usage, response_id=None),
        ]
    )

    class Provider(ModelProvider):
        def get_model(self, model_name: str | None) -> Model:
            return model

    @function_tool(needs_approval=True)
    def pay() -> str:
        return "paid"

    cashier = Agent[Any](name="Cashier", model="ollama/gpt-oss:20b", tools=[pay])
    clerk = Agent[Any](name="Clerk", model="gpt-4.1", handoffs=[cashier])
    counted = "select model, requests, input_tokens from timestep.usage order by model"
    async with RunStateStore(agent=clerk, connection_string=database_uri) as store:
        await store.save(await run_agent(clerk, "Pay.", model_provider=Provider()))
        assert await rows(database_uri, counted) == [("gpt-4.1", 1, 100), ("ollama/gpt-oss:20b", 1, 100)]
        state = await store.load()
        state.approve(state.get_interruptions()[0])
        await run_agent(clerk, state, model_provider=Provider())
    assert await rows(database_uri, counted) == [("gpt-4.1", 1, 100), ("ollama/gpt-oss:20b", 2, 200)]


async def test_a_call_is_recorded_once_when_the_run_was_handed_over_since(database_uri: str) -> None:
    model = ScriptedModel(
        [
            [function_call("pay", {}, call_id="first")],
            [function_call("transfer_to_cashier", {}, call_id="over")],
            [function_call("pay", {}, call_id="second")],
        ]
    )

    @function_tool(needs_approval=True)
    def pay() -> str:
        return "paid"

    cashier = Agent[Any](name="Cashier", model=model, tools=[pay])
    clerk = Agent[Any](name="Clerk", model=model, tools=[pay], handoffs=[cashier])
    async with RunStateStore(agent=clerk, connection_string=database_uri) as store:
        await store.save(await run_agent(clerk, "Pay."))
        state = await store.load()
        state.approve(state.get_interruptions()[0])
        await store.save(await run_agent(clerk, state))
    recorded = "select interruption_id, agent_name, status from timestep.interruptions order by 1"
    assert await rows(database_uri, recorded) == [
        ("first", "Clerk", "approved"),
        ("second", "Cashier", "pending"),
    ]


async def test_a_state_is_resumed_one_time_after_the_other(make_store: MakeStore) -> None:
    stage = Stage(scenario("approve"))
    async with make_store(stage.agent) as store:
        await store.save(await pause(stage))
        state = await store.load()
        state.approve(state.get_interruptions()[0])
        outcomes = await asyncio.gather(*(run_agent(stage.agent, state) for _ in range(3)), return_exceptions=True)
    assert sum(isinstance(outcome, RunStateConflictError) for outcome in outcomes) == 2
    assert len(stage.executed) == 1


@pytest.mark.parametrize("processor", ["default", "raw"])
async def test_a_streamed_run_is_settled_when_its_stream_has_ended(make_store: MakeStore, processor: str) -> None:
    stage = Stage(scenario("paused_twice"))
    async with make_store(stage.agent) as store:
        await store.save(await run_agent(stage.agent, "Weather?", None, True))
        for expected in (1, 0):
            state = await store.load()
            state.approve(state.get_interruptions()[0])
            if processor == "raw":
                result = await run_agent(stage.agent, state, None, True, None)
                assert isinstance(result, RunResultStreaming)
                async for _event in result.stream_events():
                    pass
            else:
                result = await run_agent(stage.agent, state, None, True)
            assert len(result.interruptions) == expected
            if expected:
                await store.save(result.to_state())
        with pytest.raises(RunStateNotFoundError):
            await store.load()
    assert len(stage.executed) == 3


@pytest.mark.parametrize("processor", ["default", "raw"])
async def test_a_resumed_run_that_is_cancelled_has_not_ended(make_store: MakeStore, processor: str) -> None:
    async def leave(result: RunResultStreaming) -> RunResultStreaming:
        async for _event in result.stream_events():
            result.cancel("after_turn" if processor == "raw" else "immediate")
        return result

    stage = Stage(scenario("approve"))
    async with make_store(stage.agent) as store:
        await store.save(await pause(stage))
        state = await store.load()
        state.approve(state.get_interruptions()[0])
        if processor == "raw":
            result = await leave(await run_agent(stage.agent, state, None, True, None))
        else:
            result = await run_agent(stage.agent, state, None, True, leave)
        assert result.final_output is None
        with pytest.raises(RunStateConflictError, match="it is being resumed"):
            await store.load()


async def test_an_ended_run_can_be_kept(make_store: MakeStore) -> None:
    stage = Stage(scenario("approve"))
    result = await pause(stage)
    state = result.to_state()
    state.approve(state.get_interruptions()[0])
    ended = await run_agent(stage.agent, state)
    async with make_store(stage.agent) as store, make_store(stage.agent) as other:
        await store.save(ended)
        assert (await other.load()).get_interruptions() == []
        await other.save(await pause(Stage(scenario("approve"))))


async def test_many_savers_at_once_leave_one_run(database_uri: str) -> None:
    stages = [Stage(scenario("approve")) for _ in range(6)]
    results = [await pause(stage) for stage in stages]

    async def save(stage: Stage, result: Any) -> None:
        async with RunStateStore(agent=stage.agent, session_id="s", connection_string=database_uri) as store:
            await store.save(result)

    pairs = zip(stages, results, strict=True)
    outcomes = await asyncio.gather(*(save(*pair) for pair in pairs), return_exceptions=True)
    assert sum(outcome is None for outcome in outcomes) == 1
    assert sum(isinstance(outcome, RunStateConflictError) for outcome in outcomes) == 5
    assert await rows(database_uri, "select count(*) from timestep.runs") == [(1,)]


async def test_a_session_goes_on_after_the_pause(database_uri: str) -> None:
    told = scenario("with_session")
    stage = Stage(told)
    async with DatabaseSession("s", connection_string=database_uri) as session:
        await session.add_items([{"role": "user", "content": "My name is Ada."}])
        result = await run_agent(stage.agent, told["input"], session)
        async with RunStateStore(agent=stage.agent, session_id="s", connection_string=database_uri) as store:
            await store.save(result)
            state = await store.load()
            state.approve(state.get_interruptions()[0])
            await run_agent(stage.agent, state, session)
        expected = load_vector("with_session", "python")["session"]
        assert await session.get_items() == expected


async def test_a_killed_process_leaves_what_it_saved(database_uri: str, tmp_path: Path) -> None:
    program = """
import asyncio, os, signal, sys
from tests.stage import Stage, load_scenarios
from timestep import RunStateStore, run_agent

async def main():
    stage = Stage(next(found for found in load_scenarios() if found["name"] == "approve"))
    result = await run_agent(stage.agent, stage.scenario["input"])
    store = RunStateStore(agent=stage.agent, session_id="s", connection_string=sys.argv[1])
    await store.save(result)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
    ended = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", program, database_uri], cwd=Path(__file__).parents[1], env=environment()
    )
    assert ended.returncode == -9
    stage = Stage(scenario("approve"), 1)
    async with RunStateStore(agent=stage.agent, session_id="s", connection_string=database_uri) as store:
        state = await store.load()
        state.approve(state.get_interruptions()[0])
        assert (await run_agent(stage.agent, state)).final_output == "Sunny."


async def test_guardrails_that_still_run_are_noted(database_uri: str) -> None:
    stage = Stage(scenario("tool_and_agent_guardrails"))
    result = await Runner.run(stage.agent, "Weather?", run_config=RunConfig(tracing_disabled=True))
    state = result.to_state()
    async with RunStateStore(agent=stage.agent, connection_string=database_uri) as store:
        await store.save(state)
        assert await rows(database_uri, "select guardrails_settled from timestep.run_states") == [(True,)]
        state._input_guardrail_results = []
        await store.save(state)
    # The later snapshot takes the place of the earlier one.
    assert await rows(database_uri, "select version, guardrails_settled from timestep.run_states") == [(2, False)]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"status":"interrupted"}', '{"status":"interrupted","state":3}'])
async def test_a_damaged_file_is_an_error_and_stays(tmp_path: Path, content: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(content)
    with pytest.raises(RunStateMalformedError):
        await RunStateStore(path, Stage(scenario("approve")).agent).load()
    assert path.read_text() == content


async def test_a_lock_cuts_off_nothing_and_is_nobody_elses(tmp_path: Path) -> None:
    path, victim = tmp_path / "state.json", tmp_path / "victim"
    await RunStateStore(path, Stage(scenario("approve")).agent).clear()
    lock = tmp_path / "state.json.lock"
    assert lock.stat().st_mode & 0o777 == 0o600
    # Where others may make files, it may be their link.
    lock.unlink()
    victim.write_text("precious")
    lock.symlink_to(victim)
    await RunStateStore(path, Stage(scenario("approve")).agent).clear()
    assert victim.read_text() == "precious"


def test_a_store_needs_an_agent() -> None:
    with pytest.raises(TypeError, match="agent"):
        RunStateStore("state.json")
    with pytest.raises(TypeError, match="session_id"):
        RunStateStore("state.json", Stage(scenario("approve")).agent, session_id="s")


async def as_typescript(uri: str, vector: Json, stage: Stage) -> None:
    """Puts a pause of a vector where TypeScript would."""
    from timestep.state.agent_graph import agent_graph

    saved = vector["pauses"][0]
    graph = json.dumps(agent_graph(stage.agent).to_json())
    async with await psycopg.AsyncConnection.connect(uri) as connection:
        await connection.execute(
            "insert into timestep.runs (run_id, agent_name, session_id, status, state_version)"
            " values ('r', %s, 's', 'interrupted', 1)",
            [stage.agent.name],
        )
        await connection.execute(
            "insert into timestep.run_states (run_id, version, language, sdk_name, sdk_version, schema_version,"
            " agent_graph, guardrails_settled, state)"
            " values ('r', 1, 'typescript', '@openai/agents', '0.20.0', '1.22', %s, true, %s)",
            [graph, json.dumps(saved["state"])],
        )


async def rows(uri: str, statement: str) -> list[Any]:
    """What a statement gives."""
    async with await psycopg.AsyncConnection.connect(uri) as connection:
        cursor = await connection.execute(statement.encode())
        return await cursor.fetchall()


def environment() -> dict[str, str]:
    """The environment of a program that is started from a checkout."""
    import os

    return {**os.environ, "PYTHONPATH": "src:."}
