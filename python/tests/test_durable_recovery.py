"""A worker that dies: another one finds out by itself, and goes on."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from agents import Agent, FunctionTool

from timestep import configure_dbos, ensure_dbos_launched, get_run, register_agent, shutdown_dbos
from timestep.database.database import Row
from timestep.database.open_database import open_database
from timestep.durable.registry import forget_agents

from .durable_stage import CREATE, FINAL_OUTPUT, Log, build_agent


async def test_a_worker_that_is_killed_loses_nothing_to_the_next(
    database_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PG_CONNECTION_URI", database_uri)
    forget_agents()
    database = open_database()
    await database.query(CREATE)
    executed = "select name, count(*)::int from executed where kind = 'tool' group by name order by name"

    async def until(text: str, is_so: Callable[[list[Row]], bool]) -> list[Row]:
        while True:
            rows = await database.query(text)
            if is_so(rows):
                return rows
            assert process.returncode is None, "the worker ended by itself"
            await asyncio.sleep(0.05)

    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.durable_worker",
        database_uri,
        "run",
        cwd=Path(__file__).parents[1],
        env={**os.environ, "PYTHONPATH": "src"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        await until(executed, lambda rows: ("pay", 1) in rows)
    finally:
        process.kill()
        await process.wait()
    try:
        configure_dbos(heartbeat_seconds=0.1, executor_timeout_seconds=1)
        agent = build_agent(Log(database, 2))
        _without_approval(agent)
        register_agent(agent)
        ensure_dbos_launched()
        while True:
            run = await get_run("run")
            if run.finished_at is not None:
                break
            await asyncio.sleep(0.05)
        assert (run.status, run.final_output, run.error) == ("completed", FINAL_OUTPUT, None)
        # What was recorded is not done again; what was in flight is, under the same key.
        assert await database.query(executed) == [("add", 2), ("look_up", 1), ("pay", 2)]
        keys = await database.query("select count(distinct call)::int from executed where name = 'pay'")
        assert keys == [(1,)]
        models = await database.query("select count(*)::int from executed where kind = 'model'")
        assert models == [(6,)]
    finally:
        await shutdown_dbos()
        configure_dbos()
        forget_agents()
        await database.close()


def _without_approval(agent: Agent[object]) -> None:
    clerk = agent.handoffs[0]
    assert isinstance(clerk, Agent)
    for tool in clerk.tools:
        if isinstance(tool, FunctionTool) and tool.name == "pay":
            tool.needs_approval = False
