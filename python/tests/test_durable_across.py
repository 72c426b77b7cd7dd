"""Durable runs that change between the languages at their pauses, executed by workers of both."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from typing import Any

import pytest
from agents import Agent, function_tool
from agents.testing import ScriptedModel, assistant_message, function_call

from timestep import (
    DatabaseSession,
    Decision,
    configure_dbos,
    decide,
    ensure_dbos_launched,
    get_run,
    list_interruptions,
    queue_agent_workflow,
    read_run_events,
    register_agent,
    run_agent_workflow,
    shutdown_dbos,
)
from timestep.database.open_database import open_database
from timestep.durable.registry import forget_agents

from .crossing import load_vector
from .stage import VECTORS, Json, Stage
from .test_workflows import worker

RUN = "run"


@pytest.fixture(autouse=True)
async def _workers_end(database_uri: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    monkeypatch.setenv("PG_CONNECTION_URI", database_uri)
    forget_agents()
    configure_dbos(heartbeat_seconds=0.2, executor_timeout_seconds=30)
    yield
    await shutdown_dbos()
    configure_dbos()
    forget_agents()


class Work:
    """What the workers of one run have done so far."""

    def __init__(self, scenario: Json, uri: str) -> None:
        self.scenario = scenario
        self.uri = uri
        self.model_calls = 0
        self.executed: list[Any] = []

    @contextlib.asynccontextmanager
    async def by(self, language: str) -> AsyncIterator[None]:
        """A worker of this language, alone for the time of the block."""
        if language == "python":
            stage = Stage(self.scenario, self.model_calls)
            forget_agents()
            register_agent(stage.agent)
            ensure_dbos_launched()
            yield
            await shutdown_dbos()
            self.executed += [[name, arguments] for name, arguments in stage.executed]
            self.model_calls = stage.model_calls
            return
        with worker(self.scenario["name"], self.uri, self.model_calls) as running:
            yield
            trail = await asyncio.to_thread(running.stop)
        self.executed += trail["executed"]
        self.model_calls += len(trail["requests"])


@pytest.mark.parametrize("languages", [("typescript", "python", "typescript"), ("python", "typescript", "python")])
async def test_a_run_changes_the_language_at_each_pause(database_uri: str, languages: tuple[str, ...]) -> None:
    vector = load_vector("with_session_paused_twice")
    work = Work(vector["scenario"], database_uri)
    agent_name = vector["scenario"]["agents"][0]["name"]
    async with DatabaseSession("s") as session:
        await session.add_items([{"role": "user", "content": "My name is Ada."}])
        handle = queue_agent_workflow(agent_name, vector["scenario"]["input"], session, workflow_id=RUN)
        for part, language in enumerate(languages):
            async with work.by(language):
                result = await handle.get_result()
            run = await get_run(RUN)
            assert (run.language, run.segment, run.error) == (language, part, None)
            if part < 2:
                assert result.status == "interrupted"
                waiting = await list_interruptions(run_id=RUN)
                await decide(run_id=RUN, decisions=[Decision(item.interruption_id, approve=True) for item in waiting])
        assert (result.status, result.final_output) == ("completed", vector["finalOutput"])
        assert work.model_calls == result.usage.requests == len(vector["scenario"]["script"])
        assert len(await session.get_items()) == len(vector["session"])
    expected = vector["trail"]["executed"]
    assert work.executed == expected
    events = [event async for event in read_run_events(RUN)]
    assert sum(event.type == "model_response" for event in events) == work.model_calls
    assert sum(event.type == "tool_output" for event in events) == len(expected)


async def test_a_part_that_was_begun_in_one_language_is_left_to_it(database_uri: str) -> None:
    vector = load_vector("approve")
    work = Work(vector["scenario"], database_uri)
    agent_name = vector["scenario"]["agents"][0]["name"]
    handle = await queue_agent_workflow(agent_name, vector["scenario"]["input"], workflow_id=RUN)
    # As if a worker of the TypeScript module had begun it, and had died.
    database = open_database()
    await database.query("update timestep.runs set language = 'typescript'")
    async with work.by("python"):
        # It is put back for those who can.
        while not await database.query("select 1 from timestep.runs where workflow_id <> run_id"):
            assert await handle.get_status() in ("queued", "running")
            await asyncio.sleep(0.05)
    await database.close()
    assert work.model_calls == 0
    async with work.by("typescript"):
        result = await handle.get_result()
    assert (result.status, (await get_run(RUN)).language) == ("interrupted", "typescript")


@pytest.mark.parametrize("languages", [("typescript", "python"), ("python", "typescript")])
async def test_a_pause_that_cannot_be_translated_goes_back_to_the_language_that_saved_it(
    database_uri: str, languages: tuple[str, str]
) -> None:
    vector = load_vector("handoff_beside_an_approval", languages[0])
    work = Work(vector["scenario"], database_uri)
    own, other = languages
    handle = await queue_agent_workflow(
        vector["scenario"]["agents"][0]["name"], vector["scenario"]["input"], workflow_id=RUN
    )
    async with work.by(own):
        result = await handle.get_result()
    assert result.status == "interrupted"
    waiting = await list_interruptions(run_id=RUN)
    await decide(run_id=RUN, decisions=[Decision(item.interruption_id, approve=True) for item in waiting])
    database = open_database()
    async with work.by(other):
        while not await database.query("select 1 from timestep.runs where workflow_id like $1", [f"{RUN}:r1:t%"]):
            assert await handle.get_status() in ("queued", "running")
            await asyncio.sleep(0.05)
    await database.close()
    async with work.by(own):
        result = await handle.get_result()
    assert (result.status, (await get_run(RUN)).language, result.error) == ("completed", own, None)
    assert result.final_output == vector["finalOutput"]


ASK = """
import {{ Agent, tool }} from "@openai/agents";
import {{ z }} from "zod";
import {{ configureDBOS, decide, listInterruptions, queueAgentWorkflow, shutdownDBOS }} from "{module}";
configureDBOS({{ connectionString: "{uri}", execute: false }});
const parameters = z.object({{ amount: z.number() }});
const pay = tool({{ name: "pay", description: "", parameters, execute: () => "not paid here" }});
const agent = new Agent({{ name: "Assistant", tools: [pay] }});
const handle = await queueAgentWorkflow({{ agent, inputItems: "Pay.", workflowId: "run" }});
console.log((await handle.getResult()).status);
const decisions = (await listInterruptions({{ runId: "run" }}))
  .map(({{ interruptionId }}) => ({{ interruptionId, approve: true }}));
console.log(JSON.stringify(await decide({{ runId: "run", decisions }})));
console.log((await handle.getResult()).finalOutput);
await shutdownDBOS();
"""


async def test_a_python_worker_executes_what_typescript_queued_and_decided(database_uri: str) -> None:
    paid: list[int] = []

    @function_tool(needs_approval=True)
    async def pay(amount: int) -> str:
        "Pays."
        paid.append(amount)
        return "paid"

    script: list[Any] = [[function_call("pay", {"amount": 7}, call_id="1")], [assistant_message("Done.")]]
    register_agent(Agent[Any](name="Assistant", model=ScriptedModel(script), tools=[pay]))
    ensure_dbos_launched()
    lines = await in_typescript(ASK, database_uri)
    assert lines == ["interrupted", '{"runId":"run","status":"queued","pending":0}', "Done."]
    assert paid == [7]
    assert (await get_run(RUN)).language == "python"


async def in_typescript(source: str, uri: str) -> list[str]:
    """Runs a program against the TypeScript module, and gives the lines that it wrote."""
    deno = shutil.which("deno")
    if deno is None:
        pytest.skip("there is no deno on this machine, which runs the TypeScript module")
    process = await asyncio.create_subprocess_exec(
        deno, "run", "-A", "-", cwd=VECTORS.parents[1], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    program = source.format(module=(VECTORS.parents[1] / "mod.ts").as_uri(), uri=uri)
    output, _ = await process.communicate(program.encode())
    return output.decode().splitlines()


READ = """
import {{ configureDBOS, getRun, readRunEvents, shutdownDBOS }} from "{module}";
configureDBOS({{ connectionString: "{uri}", execute: false }});
const events = await Array.fromAsync(readRunEvents("run"));
console.log(JSON.stringify({{ run: await getRun("run"), events }}));
await shutdownDBOS();
"""


async def test_typescript_reads_the_events_of_a_run_that_python_executes(database_uri: str) -> None:
    @function_tool
    async def look(city: str) -> str:
        "Looks."
        return f"Sunny in {city}."

    script: list[Any] = [[function_call("look", {"city": "Bonn"}, call_id="1")], [assistant_message("It is sunny.")]]
    agent = Agent[Any](name="Assistant", model=ScriptedModel(script), tools=[look])
    result = await run_agent_workflow(agent, "Weather?", stream=True, workflow_id=RUN)
    assert result.status == "completed"
    read = json.loads((await in_typescript(READ, database_uri))[-1])
    assert (read["run"]["status"], read["run"]["finalOutput"]) == ("completed", "It is sunny.")
    events = [event async for event in read_run_events(RUN)]
    assert [(event["position"], event["type"]) for event in read["events"]] == [
        (event.position, event.type) for event in events
    ]
    deltas = [event["event"] for event in read["events"] if event["type"] == "model_delta"]
    text = [delta["delta"] for delta in deltas if delta["type"] == "output_text_delta"]
    assert "".join(text) == "It is sunny."
    [tool] = [event for event in read["events"] if event["type"] == "tool_output"]
    assert (tool["toolName"], tool["callId"], tool["output"]) == ("look", "1", "Sunny in Bonn.")
    call, answer = (event["output"][0] for event in read["events"] if event["type"] == "model_response")
    assert (call["callId"], answer["content"][0]["text"]) == ("1", "It is sunny.")
