"""What tests of durable runs share."""

from __future__ import annotations

import asyncio
from typing import Any

from agents import Agent
from agents.testing import ScriptedModel

from timestep.database.open_database import open_database


async def query(uri: str, text: str, *parameters: str) -> list[tuple[object, ...]]:
    """The rows of a statement."""
    database = open_database(uri)
    try:
        return await database.query(text, list(parameters))
    finally:
        await database.close()


async def until(uri: str, text: str, *parameters: str) -> list[tuple[object, ...]]:
    """The rows of a statement, once there are any."""
    while True:
        rows = await query(uri, text, *parameters)
        if rows:
            return rows
        await asyncio.sleep(0.05)


def scripted_agent(*script: Any, name: str = "Assistant", **options: Any) -> Agent[Any]:
    """An agent whose model says this, turn by turn."""
    return Agent[Any](name=name, model=ScriptedModel(list(script)), **options)


async def execute_again(uri: str, run_id: str) -> None:
    """Forgets that a run has ended, as if the process had died before that was recorded."""
    await query(uri, "update timestep.runs set status = 'queued', finished_at = null where run_id = $1", run_id)
    await query(uri, "select timestep.requeue_run($1)", run_id)
