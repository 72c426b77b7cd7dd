"""A worker that never comes to an end of what it does: `python -m tests.durable_worker <uri> <run>`."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from agents import Agent, FunctionTool

from timestep import configure_dbos, run_agent_workflow
from timestep.database.open_database import open_database

from .durable_stage import INPUT, Log, build_agent, context


async def main(uri: str, run_id: str) -> None:
    """Starts a run whose last tool waits for ever, once it has begun."""
    os.environ["PG_CONNECTION_URI"] = uri
    configure_dbos(heartbeat_seconds=0.1, executor_timeout_seconds=1)
    agent = build_agent(Log(open_database(), 1))
    clerk = agent.handoffs[0]
    assert isinstance(clerk, Agent)
    pay = next(tool for tool in clerk.tools if tool.name == "pay")
    assert isinstance(pay, FunctionTool)
    pay.needs_approval = False
    invoke = pay.on_invoke_tool

    async def hang(given: Any, arguments: str) -> Any:
        await invoke(given, arguments)
        await asyncio.Event().wait()

    pay.on_invoke_tool = hang
    await run_agent_workflow(agent, INPUT, workflow_id=run_id, context=context())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
