"""Python queues and decides, a worker of the TypeScript module executes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from timestep import (
    DatabaseSession,
    Decision,
    DecisionConflictError,
    InterruptionNotFoundError,
    QueueNotFoundError,
    RunConflictError,
    RunNotFoundError,
    SessionNotDurableError,
    cancel_run,
    decide,
    list_interruptions,
    list_runs,
    queue_agent_workflow,
)

from .crossing import load_vector
from .stage import VECTORS, MemorySession


class Worker:
    """A worker in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def stop(self) -> Any:
        """Lets it end, and gives what it did."""
        output, _ = self.process.communicate("")
        return json.loads(output.splitlines()[-1])


@contextlib.contextmanager
def worker(name: str, uri: str, model_calls: int = 0) -> Iterator[Worker]:
    """A worker that has a scenario's agents, whose model was called elsewhere before."""
    deno = shutil.which("deno")
    if deno is None:
        pytest.skip("there is no deno on this machine, which runs the TypeScript module")
    process = subprocess.Popen(
        [deno, "run", "-A", "tests/vectors/worker.ts", name, uri, str(model_calls)],
        cwd=VECTORS.parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        while (line := process.stdout.readline()) and line.strip() != "ready":
            pass
        assert line, "the worker did not start"
        yield Worker(process)
    finally:
        process.kill()
        process.wait()


async def test_a_typescript_worker_executes_what_python_queued_and_decided(
    database_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PG_CONNECTION_URI", database_uri)
    vector = load_vector("with_session")
    with pytest.raises(QueueNotFoundError, match='no queue "fast"'):
        await queue_agent_workflow(agent="Weather Assistant", input_items="Weather?", queue_name="fast")
    with worker("with_session", database_uri) as running:
        async with DatabaseSession("s") as session:
            await session.add_items([{"role": "user", "content": "My name is Ada."}])
            queued: dict[str, Any] = {
                "agent": "Weather Assistant",
                "input_items": vector["scenario"]["input"],
                "session": session,
                "workflow_id": "run",
                "priority": 1,
            }
            handle = queue_agent_workflow(**queued)
            result = await handle.get_result()
            assert (result.run_id, result.status, result.error) == ("run", "interrupted", None)
            assert [item.interruption_id for item in result.interruptions] == ["call_1"]
            again = await queue_agent_workflow(**queued)
            assert await again.get_workflow_id() == "run"
            with pytest.raises(RunConflictError):
                await queue_agent_workflow(**{**queued, "input_items": "Something else"})

            [waiting] = await list_interruptions(session_id="s")
            assert (waiting.tool_name, waiting.arguments) == ("get_weather", '{"city":"Berkeley"}')
            approval = Decision(waiting.interruption_id, approve=True)
            with pytest.raises(InterruptionNotFoundError):
                await decide(run_id="run", decisions=[Decision("nothing", approve=True)])
            outcomes = await asyncio.gather(*(decide(run_id="run", decisions=[approval]) for _ in range(5)))
            assert sum(outcome.status == "queued" for outcome in outcomes) >= 1
            with pytest.raises(DecisionConflictError):
                await decide(run_id="run", decisions=[Decision("call_1", approve=False)])

            result = await handle.get_result()
            assert (result.status, result.final_output) == ("completed", vector["finalOutput"])
            assert await handle.get_status() == "completed"
            assert len(await session.get_items()) == len(vector["session"])
        trail = await asyncio.to_thread(running.stop)
    assert trail["executed"] == vector["trail"]["executed"]


async def test_list_runs_lists_the_newest_first_by_page_and_by_what_is_asked_for(
    database_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PG_CONNECTION_URI", database_uri)
    for number in range(1, 5):
        await queue_agent_workflow("A" if number < 4 else "B", "x", workflow_id=f"run-{number}", owner_id="ada")

    async def ids(**options: Any) -> list[str]:
        return [run.run_id for run in await list_runs(**options)]

    assert await ids(limit=2) == ["run-4", "run-3"]
    assert await ids(limit=2, before="run-3") == ["run-2", "run-1"]
    assert await ids(agent_name="B", owner_id="ada") == ["run-4"]
    await cancel_run("run-1")
    assert await ids(status="cancelled") == ["run-1"]
    assert await ids(status=["queued", "cancelled"]) == ["run-4", "run-3", "run-2", "run-1"]
    assert await ids(session_id="nobody's") == await ids(owner_id="bob") == []
    with pytest.raises(ValueError, match="limit is 0"):
        await list_runs(limit=0)
    with pytest.raises(RunNotFoundError, match='"none"'):
        await list_runs(before="none")


async def test_what_is_wrong_is_said(database_uri: str) -> None:
    with pytest.raises(RunNotFoundError):
        await decide(run_id="no", decisions=[Decision("x", approve=True)], connection_string=database_uri)
    with pytest.raises(ValueError, match="no decision"):
        await decide(run_id="no", decisions=[])
    with pytest.raises(ValueError, match="rejection only"):
        await decide(run_id="no", decisions=[Decision("x", approve=True, message="why")])
    with pytest.raises(ValueError, match="continuations"):
        queue_agent_workflow(agent="A", input_items="x", workflow_id="run:r1")
    with pytest.raises(SessionNotDurableError):
        await queue_agent_workflow(agent="A", input_items="x", session=MemorySession([]))
