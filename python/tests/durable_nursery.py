"""Runs in processes that are forked and killed: `python -m tests.durable_nursery <uri> <stream> <how>`.

`matrix` executes one run for each point at which a process can be killed: one process is killed there, others finish.
`chain` executes one run in which every process is killed after its next step. Says, as JSON, what became of each.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from typing import Any

# Loaded here, so that no child has to.
import dbos._migration  # noqa: F401
import psycopg_pool  # noqa: F401
from agents import Agent

from timestep import DatabaseSession, Decision, decide, list_interruptions
from timestep.database.database import Database
from timestep.durable.execute_run import RunPart, execute_run
from timestep.workflows._database import dispatching
from timestep.workflows._executor_sql import DIRECT_QUEUE
from timestep.workflows._start_run import prepare_run, start_run

from .durable_stage import CREATE, INPUT, Log, build_agent, context, stop_at

MOST = 400
"""More processes than any run needs: a run that does not come to an end is an error."""


def main(uri: str, is_streamed: bool, how: str) -> None:
    """Prints one line of JSON for each run."""
    os.environ["PG_CONNECTION_URI"] = uri
    gc.freeze()
    in_child(prepare())
    for point in range(1, MOST):
        run_id = f"{how}-{point}"
        kills = 0
        for attempt in range(1, MOST):
            # Of a chain not every process is killed before it has done anything, so that it comes to an end.
            kill_at = point if how == "matrix" and kills == 0 else 1 + attempt % 6 if how == "chain" else 0
            status = in_child(go_on(run_id, is_streamed, attempt, kill_at))
            if status == 0:
                break
            assert status == 9, status
            kills += 1
        else:
            raise AssertionError(f"run {run_id} does not come to an end")
        sys.stdout.write(json.dumps({"run": run_id, "kills": kills, "attempts": attempt}) + "\n")
        sys.stdout.flush()
        if how == "chain" or kills == 0:
            return


def in_child(work: Any) -> int:
    """Does it in a process of its own, and gives how that ended: its exit code, or the signal that killed it."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = asyncio.run(work) or 0
        except BaseException as error:
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
        os._exit(code)
    work.close()
    _, status = os.waitpid(pid, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


async def prepare() -> None:
    """DBOS's tables, in which decisions are dispatched, and the test's own."""
    async with dispatching() as database:
        await database.query(CREATE)


async def begin(database: Database, run_id: str, agent: Agent[Any], is_streamed: bool) -> None:
    """Records a run, if it is not."""
    async with database.transaction() as transaction:
        prepared = prepare_run(agent, INPUT, workflow_id=run_id, stream=is_streamed, context=context())
        run = await prepared.with_session(DatabaseSession(run_id))
        await start_run(transaction, run, {"applicationName": "timestep", "queueName": DIRECT_QUEUE})


async def go_on(run_id: str, is_streamed: bool, attempt: int, kill_at: int) -> int:
    """Executes and decides, until there is nothing to do any more."""
    async with dispatching() as database:
        agent = build_agent(Log(database, attempt))
        await begin(database, run_id, agent, is_streamed)
        if kill_at > 0:
            stop_at(kill_at)
        while True:
            rows = await database.query("select status, segment from timestep.runs where run_id = $1", [run_id])
            status, segment = rows[0]
            if status == "interrupted":
                waiting = await list_interruptions(run_id=run_id)
                decisions = [Decision(item.interruption_id, approve=True) for item in waiting]
                await decide(run_id=run_id, decisions=decisions)
            elif status in ("queued", "running"):
                assert isinstance(segment, int)
                await execute_run(database, RunPart(run_id, segment, f"executor-{attempt}"))
            else:
                return 0


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] == "stream", sys.argv[3])
