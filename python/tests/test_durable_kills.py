"""Processes killed with SIGKILL at every write of the journal: what was recorded is never done again."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from timestep import DatabaseSession, get_run, read_run_events
from timestep.database.open_database import open_database

from .durable_stage import FINAL_OUTPUT

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be forked here")

TOOLS = {"add": 2, "look_up": 1, "pay": 1}
KINDS = ["user", "function_call", "function_call_result"] + ["function_call"] * 3 + ["function_call_result"] * 3
KINDS += ["function_call", "function_call_result", "assistant"]


async def _nursery(uri: str, stream: str, how: str) -> list[dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.durable_nursery",
        uri,
        stream,
        how,
        cwd=Path(__file__).parents[1],
        env={**os.environ, "PYTHONPATH": "src"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return [json.loads(line) for line in output.splitlines()]


async def _check(uri: str, run_id: str, *, is_streamed: bool) -> None:
    run = await get_run(run_id, connection_string=uri)
    assert (run.status, run.final_output, run.error, run.segment) == ("completed", FINAL_OUTPUT, None, 1)
    database = open_database(uri)
    try:
        keys = await database.query(
            "select idempotent.call, count(*) from (select call from executed where kind = 'tool' and call like $1) "
            "idempotent group by call",
            [f"{run_id}:%"],
        )
        assert len(keys) == sum(TOOLS.values())
        # Whatever was executed again had not been recorded: its row was written in a later epoch than the first.
        again = [str(call).removeprefix(f"{run_id}:") for call, count in keys if count != 1]
        rows = await database.query(
            "select key from timestep.journal where run_id = $1 and kind = 'tool' and epoch = 1 and key = any($2)",
            [run_id, [f"tool:{call}" for call in again]],
        )
        assert rows == []
        usage = await database.query("select sum(requests)::int from timestep.usage where run_id = $1", [run_id])
        assert usage == [(6,)]
    finally:
        await database.close()
    async with DatabaseSession(run_id, connection_string=uri) as session:
        items = await session.get_items()
    kinds = Counter(str(dict(item).get("role") or dict(item)["type"]) for item in items)
    assert kinds == Counter(kind.replace("_result", "_output") for kind in KINDS)
    await _check_events(uri, run_id, is_streamed=is_streamed)


async def _check_events(uri: str, run_id: str, *, is_streamed: bool) -> None:
    events = [event async for event in read_run_events(run_id, connection_string=uri)]
    assert [event.position for event in events] == sorted({event.position for event in events})
    kinds = Counter(event.type for event in events)
    assert (kinds["model_response"], kinds["tool_output"], kinds["guardrail"]) == (6, 4, 2)
    last = next(event for event in reversed(events) if event.type == "model_response")
    deltas = [event.data for event in events if event.type == "model_delta" and event.step == last.step]
    text = "".join(str(data["delta"]) for data in deltas if isinstance(data, dict) and "delta" in data)
    assert text == (FINAL_OUTPUT if is_streamed else "")
    # Picked up anywhere, the rest is the same.
    middle = events[len(events) // 2].position
    rest = [event async for event in read_run_events(run_id, after=middle, connection_string=uri)]
    assert rest == [event for event in events if event.position > middle]


async def test_a_run_survives_a_kill_at_every_write_of_its_journal(database_uri: str) -> None:
    runs = await _nursery(database_uri, "stream", "matrix")
    assert [run["kills"] for run in runs] == [1] * (len(runs) - 1) + [0]
    # Six model calls, each committed by itself, with a point before, after, and after the commit.
    assert len(runs) > 18
    for run in runs:
        await _check(database_uri, run["run"], is_streamed=True)


async def test_a_run_survives_processes_that_each_do_a_little_of_it(database_uri: str) -> None:
    [run] = await _nursery(database_uri, "plain", "chain")
    assert run["kills"] > 5
    await _check(database_uri, run["run"], is_streamed=False)
